// Asks a document's sequencer where it is, and sees to it that a difference is healed.
import type { Json } from "@tidemark/protocol";
import type { Probe } from "../api/document.js";
import type { Position } from "../api/position.js";
import type { Calls } from "../calls/calls.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Platform } from "../platform/platform.js";
import type { FollowedDocument } from "./followed-document.js";

interface ProbeOptions {
  readonly platform: Platform;
  readonly calls: Calls;
  /** Sends heads at once, and waits for the answer only a short time: a dead connection must not hold up the probe. */
  readonly ask: () => void;
}

/** Rejects with TidemarkError when the sequencer does not answer before the default deadline. */
export async function probe(document: FollowedDocument, { platform, calls, ask }: ProbeOptions): Promise<Probe> {
  const fromMs = platform.monotonicMs();
  const held = document.position;
  ask();
  const answer = await calls.call({ lane: undefined, target: document.documentId, name: "$head", input: undefined });
  const rttMs = platform.monotonicMs() - fromMs;
  const head = positionOf(answer);
  compare(document, held, head);
  const seq = document.position?.seq ?? 0;
  if (document.position !== undefined && seq < head.seq) {
    document.stream.learned(head.seq);
    // An advance waits for a ping.
    ask();
    // The deltas may be right behind the answer, so being behind is only a suspicion.
    platform.setTimer(CLIENT_LIMITS.wakeGraceMs, () => healIfBehind(document, head.seq));
  }
  return { seq, head: head.seq, rttMs };
}

/** The answer was made after the question: what was held then cannot be later than it. */
function compare(document: FollowedDocument, held: Position | undefined, head: Position): void {
  const now = document.position;
  if (held === undefined || document.stream.phase !== "live") return;
  if (held.seq > head.seq && now?.seq === held.seq) {
    document.heal(held.epoch === head.epoch ? "ahead" : "otherHistory");
  } else if (now?.seq === head.seq && now.epoch !== head.epoch) document.heal("otherHistory");
}

function healIfBehind(document: FollowedDocument, head: number): void {
  if (document.stream.phase === "live" && (document.position?.seq ?? head) < head) document.heal("behind");
}

function positionOf(answer: Json | undefined): Position {
  const [epoch, seq]: readonly Json[] = Array.isArray(answer) ? answer : [];
  return { epoch: typeof epoch === "number" ? epoch : 0, seq: typeof seq === "number" ? seq : 0 };
}
