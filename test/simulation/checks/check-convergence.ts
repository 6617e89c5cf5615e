// Judges the time after the faults: everybody who follows is at the head, all with the same state, and nothing is still
// waited for (R13, R20).
import { isChannel, mayListen } from "../app/hall.js";
import { hasTeams, shownOf } from "../app/shown.js";
import { maySeeVault } from "../app/vault.js";
import { digest } from "../history/digest.js";
import { type Folds, member } from "../history/fold.js";
import type { CallRecord, History, Problem, Standing } from "../history/history.js";

/** R20: where everybody stands some time after the faults, and what was never answered. */
export function checkConvergence(history: History, folds: Folds): Problem[] {
  return [
    ...history.standings.flatMap((standing) => [...checkStanding(standing, folds)]),
    ...history.clients.flatMap(({ name, calls }) =>
      calls
        .filter(({ sent, settled }) => sent.order < history.settledBy.order && isLate(settled, history))
        .filter((call) => !isOfAnotherHistory(call, folds))
        .map(({ token, documentId }) => ({
          rule: "R20",
          text: `${name} ${token} to ${documentId} was never answered`,
        })),
    ),
  ];
}

const isLate = (settled: History["settledBy"] | undefined, { settledBy }: History): boolean =>
  settled === undefined || settled.order > settledBy.order;

/** Answered on a history that was given up for a backup's: its view may never show it, so it is told at its deadline. */
function isOfAnotherHistory({ documentId, outcome }: CallRecord, folds: Folds): boolean {
  return outcome.kind === "applied" && folds.at(documentId, outcome.epoch, outcome.seq) === undefined;
}

function* checkStanding(standing: Standing, folds: Folds): Generator<Problem> {
  const { client, documentId, status, epoch, seq, state, subject, team } = standing;
  const name = `${client} ${documentId}`;
  const head = folds.final.get(documentId)?.[standing.head - 1];
  if (status === "denied") {
    if (!wasEverDenied(documentId, subject, folds)) yield { rule: "R20", text: `${name} is denied and never was` };
    return;
  }
  if (status !== "live") {
    yield { rule: "R20", text: `${name} is ${status} at ${seq}, the head is at ${head?.seq ?? 0}` };
    return;
  }
  if (head === undefined || head.seq !== seq || head.epoch !== epoch) {
    yield {
      rule: "R20",
      text: `${name} is live at ${epoch},${seq}, the head is ${head?.epoch ?? 0},${head?.seq ?? 0}`,
    };
  } else if (digest(shownOf(documentId, head.state, hasTeams(documentId) ? team : "")) !== digest(state)) {
    yield { rule: "R20", text: `${name} is at the head with another state` };
  }
}

function wasEverDenied(documentId: string, subject: string, folds: Folds): boolean {
  if (isChannel(documentId)) return !mayListen(subject);
  if (!documentId.startsWith("vault/")) return false;
  // A denial is for good, also when a backup is restored from the time before.
  return folds.states(documentId).some((state) => {
    const members = member(state, "members");
    return typeof members === "object" && members !== null && !maySeeVault(subject, { ...members });
  });
}
