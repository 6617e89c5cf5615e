// Judges the log by itself: contiguous, one row for one call, each client's calls in their order, each within its time.
import { LIMITS } from "@tidemark/protocol";
import type { FoldedRow, Folds } from "../history/fold.js";
import type { CallRecord, History, Problem } from "../history/history.js";

/** R3, R5, R6, R7, REQ-10 and REQ-6 as the log shows them. */
export function checkLog(history: History, folds: Folds): Problem[] {
  const calls = callsByNumber(history);
  return [...folds.final].flatMap(([id, rows]) => [
    ...checkRows(id, rows),
    ...checkRequests(id, rows),
    ...rows.flatMap((row) => [...checkCall(id, row, calls)]),
  ]);
}

/** By subject, client id and n. */
function callsByNumber(history: History): ReadonlyMap<string, CallRecord> {
  const calls = new Map<string, CallRecord>();
  for (const client of history.clients)
    for (const call of client.calls) calls.set(nameOf(client.subject, client.clientId, call.n), call);
  return calls;
}

const nameOf = (subject: string, client: string, n: number): string => `${subject} ${client} ${n}`;

function* checkRows(id: string, rows: readonly FoldedRow[]): Generator<Problem> {
  let epoch = 0;
  for (const [index, row] of rows.entries()) {
    if (row.seq !== index + 1) yield { rule: "R3", text: `${id}: row ${index + 1} of the log has seq ${row.seq}` };
    if (row.epoch < epoch) yield { rule: "R9", text: `${id}: epoch ${row.epoch} at ${row.seq} follows ${epoch}` };
    epoch = row.epoch;
  }
}

function* checkRequests(id: string, rows: readonly FoldedRow[]): Generator<Problem> {
  const applied = new Map<string, number>();
  const tokens = new Map<string, number>();
  const highest = new Map<string, number>();
  for (const { seq, subject, client, n, token } of rows) {
    if (token !== undefined && token !== "") {
      const before = tokens.get(token);
      if (before !== undefined) yield { rule: "R6", text: `${id}: ${token} is applied at ${before} and at ${seq}` };
      tokens.set(token, seq);
    }
    if (n === 0) continue;
    const name = nameOf(subject, client, n);
    const before = applied.get(name);
    if (before !== undefined) yield { rule: "R6", text: `${id}: call ${name} is applied at ${before} and at ${seq}` };
    applied.set(name, seq);
    const caller = `${subject} ${client}`;
    const last = highest.get(caller) ?? 0;
    if (n < last) yield { rule: "R5", text: `${id}: ${caller} sent ${n} before ${last}, applied behind it at ${seq}` };
    highest.set(caller, Math.max(last, n));
  }
}

function* checkCall(
  id: string,
  { seq, at, subject, client, n, token }: FoldedRow,
  calls: ReadonlyMap<string, CallRecord>,
): Generator<Problem> {
  if (n === 0) return;
  const call = calls.get(nameOf(subject, client, n));
  if (call === undefined || call.documentId !== id) {
    yield { rule: "R6", text: `${id}: nobody sent what is applied at ${seq} (${subject} ${n})` };
    return;
  }
  if (token !== undefined && token !== call.token) {
    yield { rule: "R7", text: `${id}: the row at ${seq} is of ${token}, but its call of ${call.token}` };
  }
  const { born, ttlMs } = call;
  if (ttlMs !== undefined && at >= born + ttlMs) {
    yield { rule: "REQ-10", text: `${id}: ${call.token} is applied ${at - born - ttlMs} ms past its deadline` };
  }
  if (born > at + LIMITS.bornAheadMs)
    yield { rule: "REQ-10", text: `${id}: ${call.token} is applied before it was born` };
  if (born + LIMITS.requestHorizonMs <= at)
    yield { rule: "REQ-6", text: `${id}: ${call.token} is applied past the horizon` };
}
