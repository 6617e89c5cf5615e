// Judges what clients said of themselves while things went wrong: who says "live" lacks nothing that anybody was told
// two heartbeats before (R13).
import { isHeard, shownOf } from "../app/shown.js";
import { digest } from "../history/digest.js";
import type { FoldedRow, Folds } from "../history/fold.js";
import type { History, Problem, Sighting } from "../history/history.js";

/** R13. */
export function checkLiveness(history: History, folds: Folds): Problem[] {
  return history.sightings.flatMap((sighting) => {
    // A history that was given up for a backup's is not this one.
    if (sighting.atMs - sighting.withinMs < history.restoredAtMs) return [];
    const text = falsehood(sighting, history, folds);
    return text === undefined ? [] : [{ rule: "R13", text }];
  });
}

function falsehood(sighting: Sighting, { revealedAtMs }: History, folds: Folds): string | undefined {
  const { client, documentId, epoch, seq, atMs, withinMs } = sighting;
  const name = `${client} ${documentId} says live at ${epoch},${seq}`;
  if (folds.at(documentId, epoch, seq) === undefined) return `${name}, which is nowhere in the log`;
  const rows = folds.final.get(documentId) ?? [];
  const told = (revealedAtMs.get(documentId) ?? []).filter((toldAtMs) => toldAtMs < atMs - withinMs).length;
  const missed = rows.slice(seq, told).find((row, index) => isSeen(sighting, rows[seq + index - 1], row));
  return missed === undefined ? undefined : `${name}; others were told of ${missed.seq} more than two heartbeats ago`;
}

/** Whoever follows is told of what changed nothing for them only along with something else (SEQ-8). */
function isSeen({ documentId, team }: Sighting, before: FoldedRow | undefined, { state, events }: FoldedRow): boolean {
  if (events.some(([name, data]) => isHeard(name, data, team))) return true;
  if (before === undefined || before.state === state) return before === undefined;
  return digest(shownOf(documentId, before.state, team)) !== digest(shownOf(documentId, state, team));
}
