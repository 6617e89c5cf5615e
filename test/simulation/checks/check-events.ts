// Judges the events that followers heard: each one of the log between where an opening began and where it stood in the
// end, once and in order; or its loss was said.
import { isHeard } from "../app/shown.js";
import type { FoldedRow, Folds } from "../history/fold.js";
import type { History, Problem, Seen } from "../history/history.js";

type SeenEvent = Extract<Seen, { kind: "event" }>;

/** From one point to another without a gap in between. */
interface Stretch {
  /** Events after this seq are told. */
  readonly after: number;
  readonly events: SeenEvent[];
  /** Frames were lost, and then a stream that was running was reset: the server knows nothing of what was lost. */
  mayMiss: boolean;
  /** The last position known. */
  epoch: number;
  seq: number;
}

/** EVENT-1, EVENT-2. */
export function checkEvents(history: History, folds: Folds): Problem[] {
  return history.clients.flatMap(({ name, teams, mayDiverge, subscriptions }) =>
    subscriptions.flatMap(({ documentId, seen }) =>
      stretches(seen, mayDiverge).flatMap((stretch) => {
        const rows = folds.historyAt(documentId, stretch.epoch, stretch.seq);
        const text = difference(stretch, heardOf(rows ?? [], teams));
        return text === undefined ? [] : [{ rule: "EVENT-1", text: `${name} ${documentId} ${text}` }];
      }),
    ),
  );
}

function stretches(seen: readonly Seen[], mayDiverge: boolean): Stretch[] {
  const all: Stretch[] = [];
  let current: Stretch | undefined;
  for (const [index, item] of seen.entries()) {
    if (item.kind === "gap") continue;
    // A loss is told right behind the reset that brought it: with that state everything begins anew.
    if (current === undefined || seen[index + 1]?.kind === "gap") {
      current = { after: item.seq, events: [], mayMiss: false, epoch: item.epoch, seq: item.seq };
      all.push(current);
    }
    if (mayDiverge && item.kind === "state" && item.reason === "slow_reader") current.mayMiss = true;
    current.epoch = item.epoch;
    current.seq = Math.max(current.seq, item.seq);
    if (item.kind === "event") current.events.push(item);
  }
  return all;
}

/** An event of the log. */
interface Told {
  readonly seq: number;
  readonly text: string;
  /** Whoever follows must hear it; otherwise it depends on the team at that time. */
  readonly isCertain: boolean;
}

/** The events that a member of these teams may hear. */
function heardOf(rows: readonly FoldedRow[], teams: readonly string[]): readonly Told[] {
  return rows.flatMap(({ seq, events }) =>
    events.flatMap(([name, data]) => {
      const hearing = teams.filter((team) => isHeard(name, data, team)).length;
      return hearing === 0 ? [] : [{ seq, text: textOf(seq, name, data), isCertain: hearing === teams.length }];
    }),
  );
}

function difference({ after, seq, events, mayMiss }: Stretch, told: readonly Told[]): string | undefined {
  const heard = events.map((event) => textOf(event.seq, event.name, event.data));
  const wanted = told
    .filter(
      (event) => event.seq > after && event.seq <= seq && ((event.isCertain && !mayMiss) || heard.includes(event.text)),
    )
    .map(({ text }) => text);
  if (wanted.join("\n") === heard.join("\n")) return undefined;
  const between = `between ${after} and ${seq}`;
  const missed = wanted.find((event) => !heard.includes(event));
  if (missed !== undefined) return `missed ${missed} ${between}`;
  const extra = heard.find((event, index) => !wanted.includes(event) || heard.indexOf(event) !== index);
  return extra === undefined ? `heard events out of order ${between}` : `heard ${extra} too often ${between}`;
}

const textOf = (seq: number, name: string, data: unknown): string => `${seq} ${name} ${JSON.stringify(data)}`;
