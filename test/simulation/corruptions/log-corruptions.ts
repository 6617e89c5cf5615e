// Logs that must not be: what was acknowledged is missing, twice, out of order, or nobody's.
import type { Transaction } from "../../../src/document/document-store.js";
import type { Corruption } from "./corruption.js";
import { callsOf, type DraftHistory, first, lineOf } from "./draft.js";

/** It says itself which call it was. */
const isNumbered = ({ request, operations }: Transaction): boolean =>
  request !== undefined && request.n > 0 && operations.includes('"/last"');

/** Rows from `at` on are another length: their seqs and the positions of the head follow. */
function renumber(line: Transaction[]): void {
  for (const [index, row] of line.entries()) line[index] = { ...row, seq: index + 1 };
}

/** The log with the last row that belongs to somebody's numbered call, and where that is. */
function lastNumbered(history: DraftHistory): {
  readonly line: Transaction[];
  readonly row: Transaction;
  readonly at: number;
} {
  const { call, outcome } = first(callsOf(history, "applied").reverse(), "applied call");
  const line = lineOf(history, call.documentId);
  const at = outcome.seq - 1;
  return { line, at, row: first(line.slice(at, at + 1), "row of an applied call") };
}

/** Two rows of one client, one right behind the other. */
function neighbours(history: DraftHistory): { readonly line: Transaction[]; readonly at: number } {
  const found = [...history.lines.values()].flatMap((line) =>
    line.flatMap((row, at) => {
      const next = line[at + 1];
      const isSame =
        next !== undefined && isNumbered(row) && isNumbered(next) && row.request?.client === next.request?.client;
      return isSame ? [{ line, at }] : [];
    }),
  );
  return first(found, "two calls of one client in a row");
}

/** Corruptions of the log. */
export const LOG_CORRUPTIONS: readonly Corruption[] = [
  {
    name: "an acknowledged call is not in the log",
    rule: "R1",
    corrupt: (history) => {
      const { line, at } = lastNumbered(history);
      line.splice(at);
    },
  },
  {
    name: "a call is in the log twice",
    rule: "R6",
    corrupt: (history) => {
      const { line, row } = lastNumbered(history);
      line.push({ ...row, seq: line.length + 1 });
    },
  },
  {
    name: "a row is missing in the middle of the log",
    rule: "R3",
    corrupt: (history) => {
      const { line, at } = neighbours(history);
      line.splice(at, 1);
    },
  },
  {
    name: "two calls of one client have changed places",
    rule: "R5",
    corrupt: (history) => {
      const { line, at } = neighbours(history);
      const [one, other] = line.slice(at, at + 2);
      if (one !== undefined && other !== undefined) line.splice(at, 2, other, one);
      renumber(line);
    },
  },
  {
    name: "a row that nobody asked for",
    rule: "R6",
    corrupt: (history) => {
      const { line, row } = lastNumbered(history);
      if (row.request !== undefined) line.push({ ...row, seq: line.length + 1, request: { ...row.request, n: 4_711 } });
    },
  },
  {
    name: "the row of one call has what another one asked for",
    rule: "R7",
    corrupt: (history) => {
      const { line, at } = neighbours(history);
      const [one, other] = line.slice(at, at + 2);
      if (one === undefined || other === undefined) return;
      line[at] = { ...one, operations: other.operations, events: other.events };
    },
  },
  {
    name: "an owner that was replaced has written",
    rule: "R9",
    corrupt: (history) => {
      const { line, row } = lastNumbered(history);
      line.push({ ...row, seq: line.length + 1, epoch: row.epoch - 1 });
    },
  },
  {
    name: "a call is applied past its deadline",
    rule: "REQ-10",
    corrupt: (history) => {
      const { call } = first(callsOf(history, "applied"), "applied call");
      call.ttlMs = -1;
    },
  },
  {
    name: "a call is applied that was born too long ago",
    rule: "REQ-6",
    corrupt: (history) => {
      const { call } = first(callsOf(history, "applied"), "applied call");
      call.ttlMs = undefined;
      call.born -= 8 * 86_400_000;
    },
  },
];
