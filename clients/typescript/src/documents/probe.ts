// Asks a document's sequencer where it is, and sees to it that a difference is healed.
import type { Json } from "@tidemark/protocol";
import type { Probe } from "../api/document.js";
import type { Calls } from "../calls/calls.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Platform } from "../platform/platform.js";
import type { FollowedDocument } from "./followed-document.js";

interface ProbeOptions {
  readonly platform: Platform;
  readonly calls: Calls;
  readonly ping: () => void;
}

/** Rejects with TidemarkError when the sequencer does not answer before the default deadline. */
export async function probe(document: FollowedDocument, { platform, calls, ping }: ProbeOptions): Promise<Probe> {
  const fromMs = platform.monotonicMs();
  const target = document.documentId;
  const answer = await calls.call({ lane: undefined, target, name: "$head", input: undefined });
  const rttMs = platform.monotonicMs() - fromMs;
  const [epoch, head] = positionOf(answer);
  const held = document.position;
  if (held === undefined) return { seq: 0, head, rttMs };
  if (held.seq === head && held.epoch !== epoch) document.stream.heal();
  // The deltas up to `head` may be right behind the answer, so being behind is only a suspicion. Heads are exact.
  if (held.seq !== head) ping();
  if (held.seq < head) platform.setTimer(CLIENT_LIMITS.wakeGraceMs, () => healIfBehind(document, head));
  return { seq: held.seq, head, rttMs };
}

function healIfBehind(document: FollowedDocument, head: number): void {
  if ((document.position?.seq ?? head) < head) document.stream.heal();
}

function positionOf(answer: Json | undefined): readonly [epoch: number, seq: number] {
  const [epoch, seq]: readonly Json[] = Array.isArray(answer) ? answer : [];
  return [typeof epoch === "number" ? epoch : 0, typeof seq === "number" ? seq : 0];
}
