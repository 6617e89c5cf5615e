// Answers that must not be: wrong, untimely, or about what never was.
import type { Corruption } from "./corruption.js";
import { callsOf, first, withMember } from "./draft.js";

const at = (result: unknown): number => Number(Reflect.get(Object(result), "at"));
const MOMENT_MAX = { atMs: Number.MAX_SAFE_INTEGER, order: Number.MAX_SAFE_INTEGER };

/** Corruptions of what callers were told. */
export const ANSWER_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "a retry was answered with another position",
    rule: "R1",
    corrupt: (history) => {
      const { call, outcome } = first(callsOf(history, "applied"), "applied call");
      call.outcome = { ...outcome, seq: outcome.seq + 1 };
    },
  },
  {
    name: "a retry was answered with another result",
    rule: "R6",
    corrupt: (history) => {
      const applied = callsOf(history, "applied").filter(({ outcome }) => at(outcome.result) > 0);
      const { call, outcome } = first(applied, "applied call with a result");
      call.outcome = { ...outcome, result: withMember(outcome.result, "at", at(outcome.result) + 1) };
    },
  },
  {
    name: "an answer under another number",
    rule: "R7",
    corrupt: (history) => {
      const { call, outcome } = first(callsOf(history, "applied"), "applied call");
      call.outcome = { ...outcome, n: outcome.n + 1 };
    },
  },
  {
    name: "what was told as rejected is in the log",
    rule: "R8",
    corrupt: (history) => {
      const { call } = first(callsOf(history, "applied"), "applied call");
      call.outcome = { kind: "rejected", code: "rejected", reason: "too_little", data: null };
    },
  },
  {
    name: "a call was refused for no reason",
    rule: "R8",
    corrupt: (history) => {
      const { call } = first(callsOf(history, "rejected"), "rejected call");
      call.outcome = { kind: "rejected", code: "invalid_input", reason: undefined, data: null };
    },
  },
  {
    name: "nothing went wrong, and a call is unknown",
    rule: "R8",
    corrupt: (history) => {
      const patient = callsOf(history, "applied", ({ mayFail }) => !mayFail.includes("deadline_exceeded"));
      const { call } = first(patient, "applied call that had time enough");
      call.outcome = { kind: "unknown", code: "deadline_exceeded" };
    },
  },
  {
    name: "a rejection speaks of a state that never was",
    rule: "R2",
    corrupt: (history) => {
      const rejected = callsOf(history, "rejected").filter(({ outcome }) => at(outcome.data) > 0);
      const { call, outcome } = first(rejected, "rejection with data");
      call.outcome = { ...outcome, data: withMember(outcome.data, "value", 4_711) };
    },
  },
  {
    name: "a query was answered from a state that never was",
    rule: "R2",
    corrupt: (history) => {
      const asked = callsOf(history, "answered", ({ name }) => name === "value");
      const { call, outcome } = first(asked, "answered query");
      call.outcome = { ...outcome, result: withMember(outcome.result, "value", 4_711) };
    },
  },
  {
    name: "somebody read what was never there",
    rule: "R4",
    corrupt: (history) => {
      const { call, outcome } = first(
        callsOf(history, "answered", ({ name }) => name === "get"),
        "state that was read",
      );
      call.outcome = { ...outcome, result: withMember(outcome.result, "state", { stale: true }) };
    },
  },
  {
    name: "a call was answered before its view showed it",
    rule: "REQ-2",
    corrupt: (history) => {
      const { call, outcome } = first(callsOf(history, "applied"), "applied call");
      call.shownSeq = outcome.seq - 1;
    },
  },
  {
    name: "a call that was sent later took an earlier place",
    rule: "R5",
    corrupt: (history) => {
      const applied = callsOf(history, "applied");
      const last = first(applied.slice(-1), "applied call");
      const earlier = applied.filter(({ call, outcome }) => {
        return call.documentId === last.call.documentId && outcome.seq < last.outcome.seq;
      });
      const { call } = first(earlier, "earlier call to the same document");
      call.sent = MOMENT_MAX;
    },
  },
  {
    name: "a call was never answered",
    rule: "R20",
    corrupt: (history) => {
      const { call } = first(callsOf(history, "applied"), "applied call");
      call.settled = undefined;
    },
  },
];
