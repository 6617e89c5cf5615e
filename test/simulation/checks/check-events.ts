// Judges the events that followers heard: each one of the log between where an opening began and where it stood in the
// end, once and in order; or its loss was said.
import type { FoldedRow, Folds } from "../history/fold.js";
import type { History, Problem, Seen } from "../history/history.js";

type SeenEvent = Extract<Seen, { kind: "event" }>;

/** From one point to another without a gap in between. */
interface Stretch {
  /** Events after this seq are told. */
  readonly after: number;
  readonly events: SeenEvent[];
  /** The last position known. */
  epoch: number;
  seq: number;
}

/** EVENT-1, EVENT-2. */
export function checkEvents(history: History, folds: Folds): Problem[] {
  return history.clients.flatMap(({ name, subscriptions }) =>
    subscriptions.flatMap(({ documentId, seen }) =>
      stretches(seen).flatMap((stretch) => {
        const rows = folds.historyAt(documentId, stretch.epoch, stretch.seq);
        const text = difference(stretch, rows);
        return text === undefined ? [] : [{ rule: "EVENT-1", text: `${name} ${documentId} ${text}` }];
      }),
    ),
  );
}

function stretches(seen: readonly Seen[]): Stretch[] {
  const all: Stretch[] = [];
  let current: Stretch | undefined;
  for (const [index, item] of seen.entries()) {
    if (item.kind === "gap") continue;
    // A loss is told right behind the reset that brought it: with that state everything begins anew.
    if (current === undefined || seen[index + 1]?.kind === "gap") {
      current = { after: item.seq, events: [], epoch: item.epoch, seq: item.seq };
      all.push(current);
    }
    current.epoch = item.epoch;
    current.seq = Math.max(current.seq, item.seq);
    if (item.kind === "event") current.events.push(item);
  }
  return all;
}

function difference({ after, seq, events }: Stretch, rows: readonly FoldedRow[] | undefined): string | undefined {
  const wanted = (rows ?? [])
    .slice(after, seq)
    .flatMap((row) => row.events.map(([name, data]) => textOf(row.seq, name, data)));
  const heard = events.map((event) => textOf(event.seq, event.name, event.data));
  if (wanted.join("\n") === heard.join("\n")) return undefined;
  const between = `between ${after} and ${seq}`;
  const missed = wanted.find((event) => !heard.includes(event));
  if (missed !== undefined) return `missed ${missed} ${between}`;
  const extra = heard.find((event, index) => !wanted.includes(event) || heard.indexOf(event) !== index);
  return extra === undefined ? `heard events out of order ${between}` : `heard ${extra} too often ${between}`;
}

const textOf = (seq: number, name: string, data: unknown): string => `${seq} ${name} ${JSON.stringify(data)}`;
