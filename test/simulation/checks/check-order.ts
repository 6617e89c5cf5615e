// Judges real time: what was answered before something else was sent has the smaller seq (R5). Linear, because answers
// carry their seq.
import type { Folds } from "../history/fold.js";
import type { CallRecord, History, Problem } from "../history/history.js";

interface Point {
  readonly order: number;
  readonly seq: number;
  readonly token: string;
  readonly what: "sent" | "answered";
}

/** R5 between all clients of each document. */
export function checkOrder(history: History, folds: Folds): Problem[] {
  const points = new Map<string, Point[]>();
  for (const { calls } of history.clients) {
    for (const call of calls) {
      if (call.outcome.kind !== "applied" || call.settled === undefined) continue;
      // What was answered on a history that was given up has no place in this one.
      if (folds.at(call.documentId, call.outcome.epoch, call.outcome.seq) === undefined) continue;
      const line = points.get(call.documentId) ?? [];
      points.set(call.documentId, line);
      line.push(pointOf(call, "sent", call.sent.order, call.outcome.seq));
      line.push(pointOf(call, "answered", call.settled.order, call.outcome.seq));
    }
  }
  return [...points].flatMap(([id, line]) => [...overtaken(id, line)]);
}

const pointOf = ({ token }: CallRecord, what: Point["what"], order: number, seq: number): Point => ({
  token,
  what,
  order,
  seq,
});

function* overtaken(id: string, points: readonly Point[]): Generator<Problem> {
  let greatest = { seq: 0, token: "" };
  for (const { what, seq, token } of [...points].sort((a, b) => a.order - b.order)) {
    if (what === "sent" && seq <= greatest.seq) {
      const text = `${id}: ${token} was sent after ${greatest.token} was answered at ${greatest.seq}, and took ${seq}`;
      yield { rule: "R5", text };
    }
    if (what === "answered" && seq > greatest.seq) greatest = { seq, token };
  }
}
