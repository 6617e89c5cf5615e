// What applications do in a run: calls of every kind, opening and closing, asking. Derived from the seed before anything
// happens, so that a run can be repeated with less of it. New types and new behaviour (views, pace, slow readers,
// overload) come in here: a kind of deed, and how often it is done.
import { DOCUMENTS } from "../app/app.js";
import { isMortal } from "../app/board.js";
import { TEAMS } from "../app/table.js";
import type { Chance } from "../world/chance.js";

/** Something an application does. */
export type Deed =
  | {
      readonly kind: "call";
      readonly documentId: string;
      readonly name: string;
      readonly input: { readonly [name: string]: number | string };
      readonly deadlineMs: number;
      /** The caller loses patience. */
      readonly abortAfterMs?: number;
      /** Only if nothing came between. */
      readonly ifUnmoved?: true;
    }
  | { readonly kind: "query"; readonly documentId: string; readonly name: string }
  | { readonly kind: "wave" | "show" | "hide"; readonly documentId: string }
  | { readonly kind: "get" | "open" | "close" | "probe" | "audit" | "delete"; readonly documentId: string };

/** A deed, and when which client does it. */
export interface TimedDeed {
  readonly atMs: number;
  readonly slot: number;
  readonly deed: Deed;
}

/** What a run's workload is drawn from. */
export interface WorkloadPlan {
  /** Subjects by slot. */
  readonly subjects: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly count: number;
  readonly probes: boolean;
}

/** Long enough that no fault of the network or of a process outlasts it. */
export const PATIENT_MS = 600_000;

const QUERIES: Readonly<Record<string, string>> = {
  counter: "value",
  board: "length",
  vault: "notes",
  table: "round",
  channel: "history",
};
const CALLS: Readonly<Record<string, readonly string[]>> = {
  counter: ["add", "take", "take", "turn", "turn", "turn", "touch", "boom"],
  board: ["put", "put", "move", "edit", "edit", "drop", "say"],
  vault: ["note", "note", "admit", "banish", "book"],
  table: ["deal", "deal", "play", "next", "book", "whisper"],
  channel: ["publish"],
};

/** How the deletion of a document is called in records. */
export const DELETE = "$delete";

/** Why a call of this name may be refused though all is well. */
export const MAY_FAIL: Readonly<Record<string, readonly string[]>> = {
  take: ["too_little"],
  turn: ["not_your_turn"],
  move: ["nothing_there"],
  edit: ["nothing_there"],
  drop: ["nothing_there"],
  boom: ["handler_failed"],
  play: ["nothing_there"],
};

/** The deeds of a run, in order of time. */
export function planDeeds(plan: WorkloadPlan, chance: Chance): readonly TimedDeed[] {
  const deeds: TimedDeed[] = [];
  while (deeds.length < plan.count) {
    const atMs = chance.between(plan.fromMs, plan.untilMs);
    const slot = chance.below(plan.subjects.length);
    const documentId = documentFor(plan.subjects[slot] ?? "", chance);
    // Calls come in bursts: they are pipelined, and what happens to one happens to those behind it.
    const burst = chance.happens(0.3) ? 2 + chance.below(4) : 1;
    for (let index = 0; index < burst; index += 1) {
      deeds.push({ atMs, slot, deed: burst > 1 ? inBurst(documentId, chance) : deedOn(documentId, plan, chance) });
    }
  }
  return deeds.sort((a, b) => a.atMs - b.atMs);
}

/** A question in the middle of calls is answered from a state that is not durable yet. */
function inBurst(documentId: string, chance: Chance): Deed {
  const choice = chance.next();
  if (choice < 0.12) return { kind: "query", documentId, name: QUERIES[typeOf(documentId)] ?? "" };
  return choice < 0.2 ? { kind: "get", documentId } : callOf(documentId, chance);
}

function documentFor(subject: string, chance: Chance): string {
  if (subject === "eve" && chance.happens(0.6)) return "vault/a";
  // One of them is where everybody is: what a call comes to depends most on what others did.
  return chance.happens(0.3) ? "counter/a" : chance.pick(DOCUMENTS);
}

function deedOn(documentId: string, { probes }: WorkloadPlan, chance: Chance): Deed {
  const choice = chance.next();
  if (isMortal(documentId) && choice < 0.2) return { kind: "delete", documentId };
  if (choice < 0.7) return callOf(documentId, chance);
  if (choice < 0.8) return { kind: "query", documentId, name: QUERIES[typeOf(documentId)] ?? "" };
  if (choice < 0.84) return { kind: "get", documentId };
  if (choice < 0.91) return { kind: "close", documentId };
  if (choice < 0.95) return { kind: "open", documentId };
  if (choice < 0.98) return { kind: "audit", documentId };
  return { kind: probes ? "probe" : "open", documentId };
}

function callOf(documentId: string, chance: Chance): Deed {
  const name = chance.pick(CALLS[typeOf(documentId)] ?? []);
  const patience = chance.next();
  const deadlineMs = patience < 0.08 ? chance.between(20, 3_000) : PATIENT_MS;
  return {
    kind: "call",
    documentId,
    name,
    input: inputFor(name, chance),
    deadlineMs,
    ...(patience > 0.95 ? { abortAfterMs: chance.between(1, 1_500) } : {}),
    ...(patience > 0.9 && patience < 0.94 ? { ifUnmoved: true } : {}),
  };
}

function inputFor(name: string, chance: Chance): { readonly [name: string]: number | string } {
  switch (name) {
    case "add":
      return { by: 1 + chance.below(2) };
    case "take":
      return { by: 1 + chance.below(3) };
    case "move":
      return { from: chance.below(12), to: chance.below(12) };
    case "put":
    case "edit":
    case "drop":
    case "play":
      return { index: chance.below(12) };
    case "deal":
      return { team: chance.pick(TEAMS) };
    case "admit":
    case "banish":
      return { id: chance.pick(["bob", "cid", "dan"]) };
    default:
      return {};
  }
}

/** The type of a document. */
export const typeOf = (documentId: string): string => documentId.split("/")[0] ?? "";
/** Its key. */
export const keyOf = (documentId: string): string => documentId.split("/")[1] ?? "";
