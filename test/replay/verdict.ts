// Compares what went in with the log, and the log with what every subscriber heard and holds: line by line, document by
// document. It knows nothing of how the run went.
import { isDeepStrictEqual } from "node:util";
import type { LogEntry } from "@tidemark/client";
import type { LogLine } from "../../examples/irc-log/parse.js";
import type { Acked } from "./feeder.js";
import type { Heard } from "./witness.js";

/** Everything known of one document after the run. */
export interface Evidence {
  readonly key: string;
  readonly input: readonly LogLine[];
  readonly acked: readonly Acked[];
  readonly log: readonly LogEntry[];
  readonly state: unknown;
  readonly witnesses: readonly {
    readonly first: number;
    readonly heard: readonly Heard[];
    readonly gaps: number;
    readonly state: unknown;
  }[];
}

/** What went wrong; all zeros when nothing did. */
export interface Verdict {
  lost: number;
  duplicated: number;
  reordered: number;
  divergent: number;
  readonly notes: string[];
}

const NOTES_MAX = 20;

/** Judges all documents. */
export function judge(documents: readonly Evidence[]): Verdict {
  const verdict: Verdict = { lost: 0, duplicated: 0, reordered: 0, divergent: 0, notes: [] };
  for (const document of documents) {
    judgeLog(document, verdict);
    judgeAcks(document, verdict);
    for (const witness of document.witnesses) judgeWitness(document, witness, verdict);
  }
  return verdict;
}

/** How a line looks as an event. */
export function eventOf(line: LogLine): { kind: string; nick: string; text: string; time?: string } {
  const nick = "nick" in line ? line.nick : "";
  const time = "time" in line ? { time: line.time } : {};
  return { kind: line.kind, nick, text: line.text, ...time };
}

function judgeLog({ key, input, log }: Evidence, verdict: Verdict): void {
  log.forEach(({ seq }, index) => {
    if (seq !== index + 1) note(verdict, "reordered", `${key}: the log has seq ${seq} at place ${index + 1}`);
  });
  const events = log.flatMap((entry) => entry.events.map(({ data }) => data));
  compare(events, input.map(eventOf), { what: `${key}: the log`, verdict });
}

function judgeAcks({ key, acked, input, log }: Evidence, verdict: Verdict): void {
  for (const { index, receipt } of acked) {
    const line = input[index];
    const entry = log[receipt.seq - 1];
    if (entry === undefined || line === undefined)
      note(verdict, "lost", `${key}: acked line ${index + 1} is not in the log`);
    else if (entry.epoch !== receipt.epoch || !isDeepStrictEqual(entry.events[0]?.data, eventOf(line))) {
      note(
        verdict,
        "reordered",
        `${key}: line ${index + 1} was acked at seq ${receipt.seq}, which holds something else`,
      );
    }
  }
}

function judgeWitness({ key, log, state }: Evidence, witness: Evidence["witnesses"][number], verdict: Verdict): void {
  const due = log.filter(({ seq, events }) => seq > witness.first && events.length > 0);
  const heard = witness.heard.map(({ seq, line }) => ({ seq, line }));
  compare(
    heard,
    due.map(({ seq, events }) => ({ seq, line: events[0]?.data })),
    { what: `${key}: a subscriber`, verdict },
  );
  if (witness.gaps > 0) note(verdict, "lost", `${key}: a subscriber was told of a gap`);
  if (!isDeepStrictEqual(witness.state, state)) note(verdict, "divergent", `${key}: a subscriber's state differs`);
}

function compare(
  found: readonly unknown[],
  expected: readonly unknown[],
  at: { what: string; verdict: Verdict },
): void {
  if (isDeepStrictEqual(found, expected)) return;
  const { what, verdict } = at;
  const counts = new Map<string, number>();
  for (const item of expected) counts.set(JSON.stringify(item), (counts.get(JSON.stringify(item)) ?? 0) + 1);
  let misplaced = 0;
  found.forEach((item, index) => {
    const text = JSON.stringify(item);
    const left = counts.get(text) ?? 0;
    counts.set(text, left - 1);
    if (left <= 0) note(verdict, "duplicated", `${what} has at place ${index + 1} once too often: ${text}`);
    else if (!isDeepStrictEqual(item, expected[index])) misplaced += 1;
  });
  const missing = [...counts.values()].reduce((sum, left) => sum + Math.max(left, 0), 0);
  for (let index = 0; index < missing; index += 1)
    note(verdict, "lost", `${what} lacks ${missing} of ${expected.length}`);
  if (missing === 0 && found.length === expected.length && misplaced > 0)
    note(verdict, "reordered", `${what} has ${misplaced} out of place`);
}

function note(verdict: Verdict, kind: "lost" | "duplicated" | "reordered" | "divergent", text: string): void {
  verdict[kind] += 1;
  if (verdict.notes.length < NOTES_MAX) verdict.notes.push(text);
}
