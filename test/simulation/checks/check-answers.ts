// Judges what callers were told by what the log says: an `ok` is in it, a rejection is not and was justified, and
// nothing was refused without a reason the call itself gives.
import type { Json } from "@tidemark/protocol";
import { isChannel, mayListen, maySpeak } from "../app/hall.js";
import { shownOf } from "../app/shown.js";
import { digest } from "../history/digest.js";
import { type FoldedRow, type Folds, member } from "../history/fold.js";
import type { CallRecord, ClientHistory, History, Outcome, Problem } from "../history/history.js";

type Applied = Extract<Outcome, { kind: "applied" }>;
type Rejected = Extract<Outcome, { kind: "rejected" }>;

interface Case {
  readonly client: ClientHistory;
  readonly call: CallRecord;
  readonly history: History;
  readonly folds: Folds;
  /** The row of the call in the log that counts. */
  readonly row: FoldedRow | undefined;
}

/** R1, R2, R6, R8 and the truth of what answers say. */
export function checkAnswers(history: History, folds: Folds): Problem[] {
  const rows = rowsByCall(folds);
  return history.clients.flatMap((client) =>
    client.calls.flatMap((call) => {
      const row = rows.get(`${call.documentId} ${client.subject} ${client.clientId} ${call.n}`);
      return [...checkCall({ client, call, history, folds, row: call.n === 0 ? undefined : row })];
    }),
  );
}

function rowsByCall(folds: Folds): ReadonlyMap<string, FoldedRow> {
  const rows = new Map<string, FoldedRow>();
  for (const [id, line] of folds.final)
    for (const row of line) if (row.n > 0) rows.set(`${id} ${row.subject} ${row.client} ${row.n}`, row);
  return rows;
}

function* checkCall(of: Case): Generator<Problem> {
  const { call } = of;
  switch (call.outcome.kind) {
    case "applied":
      return yield* checkApplied(of, call.outcome);
    case "answered":
      yield* checkTruth(of, call.outcome.result);
      yield* checkGot(of, call.outcome.result);
      return yield* checkPublished(of, call.outcome.result);
    case "rejected":
      return yield* checkRejected(of, call.outcome);
    case "unknown":
      return yield* checkUnknown(of, call.outcome.code);
    case "pending":
      return;
  }
}

function* checkApplied({ call, folds, row, client }: Case, { epoch, seq, result, n }: Applied): Generator<Problem> {
  const name = `${client.name} ${call.token}`;
  if (n !== call.n) yield { rule: "R7", text: `${name} was sent as ${call.n} and answered as ${n}` };
  if (row === undefined || row.seq !== seq || row.epoch !== epoch) {
    if (isAbandoned(folds, call.documentId, { epoch, seq })) return;
    yield { rule: "R1", text: `${name} was answered at ${epoch},${seq}; the log has it at ${row?.seq ?? "no seq"}` };
    return;
  }
  if (call.shownSeq !== undefined && call.shownSeq < seq) {
    yield { rule: "REQ-2", text: `${name} was answered at ${seq} while its view showed ${call.shownSeq}` };
  }
  if (isChannel(call.documentId) && !client.teams.some((team) => maySpeak(client.subject, team))) {
    yield { rule: "R18", text: `${name} was published without a right` };
  }
  const at = member(result, "at");
  if (at !== undefined && at !== seq) yield { rule: "R6", text: `${name} is at ${seq}, its result speaks of ${at}` };
  yield* factsDiffer(name, result, row);
}

/** Answered on a history that was given up for a backup's. */
function isAbandoned(folds: Folds, id: string, { epoch, seq }: { epoch: number; seq: number }): boolean {
  return folds.at(id, epoch, seq) === undefined && folds.historyAt(id, epoch, seq) !== undefined;
}

function* checkRejected(of: Case, { code, reason, data }: Rejected): Generator<Problem> {
  const { call, client, row } = of;
  const name = `${client.name} ${call.token}`;
  if (row !== undefined) yield { rule: "R8", text: `${name} was rejected (${code}) and is in the log at ${row.seq}` };
  const said = code === "rejected" ? (reason ?? code) : code;
  const isTimely = ["deadline_exceeded", "aborted"].includes(said) && call.mayFail.includes(said);
  if (!isTimely && !isExcused(of, said)) yield { rule: "R8", text: `${name} was refused as ${said}, for no reason` };
  if (code === "rejected") yield* checkTruth(of, data);
}

function isExcused({ call, history }: Case, said: string): boolean {
  if (call.mayFail.includes(said)) return true;
  // A refusal leaves no receipt: when its answer is lost and later calls are applied, this is the truth.
  if (said === "superseded") return call.mayFail.length > 0 || history.timeJumped;
  return history.timeJumped && ["deadline_exceeded", "invalid_input"].includes(said);
}

function* checkUnknown({ call, client, history }: Case, code: string): Generator<Problem> {
  if (code === "crashed" || code === "closed" || call.mayFail.includes(code)) return;
  if (history.timeJumped && (code === "expired" || code === "deadline_exceeded")) return;
  yield { rule: "R8", text: `${client.name} ${call.token} is unknown (${code}), for no reason` };
}

/** What an answer says of the state must be what the log says of it, at the seq that it names. */
function* checkTruth({ call, client, folds }: Case, said: unknown): Generator<Problem> {
  const at = property(said, "at");
  if (typeof at !== "number") return;
  const name = `${client.name} ${call.token}`;
  const wanted = JSON.stringify(said);
  const candidates = folds.everywhere(call.documentId, at);
  if (candidates.some((row) => [...factsDiffer(name, said, row)].length === 0)) return;
  yield { rule: "R2", text: `${name} was told ${wanted}, which never was` };
}

/** What a channel says was published must have been, as it says, with nothing left out in between. */
function* checkPublished({ call, client, folds }: Case, said: Json): Generator<Problem> {
  const messages = member(said, "messages");
  if (!isChannel(call.documentId) || !Array.isArray(messages)) return;
  const name = `${client.name} ${call.token}`;
  if (!mayListen(client.subject)) yield { rule: "R18", text: `${name} was told what was published` };
  let before: number | undefined;
  for (const message of messages) {
    const [at, , event, data]: readonly Json[] = Array.isArray(message) ? message : [];
    const seq = Number(at);
    const told = JSON.stringify([event, data]);
    const is = folds.everywhere(call.documentId, seq).some(({ events }) => JSON.stringify(events[0]) === told);
    if (!is) yield { rule: "R4", text: `${name} was told ${told} at ${seq}, which was never published` };
    // Every transaction of a channel is a message, but for the first, which made it.
    if (before !== undefined && before !== seq + 1) {
      yield { rule: "R3", text: `${name} was told what was published at ${before}, then at ${seq}` };
    }
    before = seq;
  }
}

/** What `get` shows must be what the asker may see, as it was at the seq that it names. */
function* checkGot({ call, client, folds }: Case, said: Json): Generator<Problem> {
  const at = member(said, "at");
  if (call.name !== "get" || typeof at !== "number") return;
  const got = digest(member(said, "state") ?? null);
  const isRight = folds
    .everywhere(call.documentId, at)
    .some(({ state }) => client.teams.some((team) => digest(shownOf(call.documentId, state, team)) === got));
  if (!isRight)
    yield { rule: "R4", text: `${client.name} ${call.token} got what it may not see at ${at}, or never was` };
}

/** Members of what was said that speak of the state. */
const FACTS: Readonly<Record<string, (state: unknown) => unknown>> = {
  value: (state) => property(state, "value"),
  turnOf: (state) => property(state, "turnOf"),
  round: (state) => property(state, "round"),
  notes: (state) => property(state, "notes"),
  length: (state) => {
    const items = property(state, "items");
    return Array.isArray(items) ? items.length : undefined;
  },
};

function* factsDiffer(name: string, said: unknown, row: FoldedRow): Generator<Problem> {
  for (const [fact, read] of Object.entries(FACTS)) {
    const claimed = property(said, fact);
    if (claimed === undefined) continue;
    const is = read(row.state);
    if (claimed !== is) yield { rule: "R2", text: `${name} was told ${fact} ${claimed}, at ${row.seq} it is ${is}` };
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
