// Judges the states that followers saw: each is the log's at its position and theirs to see, and positions only rise but
// for a reset that says so.
import type { Json } from "@tidemark/protocol";
import { isChannel, mayListen } from "../app/hall.js";
import { hasTeams, shownOf, shownTo } from "../app/shown.js";
import { maySeeVault } from "../app/vault.js";
import { digest } from "../history/digest.js";
import { type Folds, member } from "../history/fold.js";
import type { ClientHistory, History, Problem, Seen, SubscriptionRecord } from "../history/history.js";

type SeenState = Extract<Seen, { kind: "state" }>;

/** R3, R4, R18. */
export function checkSubscribers(history: History, folds: Folds): Problem[] {
  return history.clients.flatMap((client) =>
    client.subscriptions.flatMap((subscription) => [...checkStates(client, subscription, folds)]),
  );
}

function* checkStates(
  client: ClientHistory,
  { documentId, seen }: SubscriptionRecord,
  folds: Folds,
): Generator<Problem> {
  let held: SeenState | undefined;
  for (const item of seen) {
    if (item.kind !== "state") continue;
    const name = `${client.name} ${documentId} at ${item.epoch},${item.seq}`;
    const rows = folds.historyAt(documentId, item.epoch, item.seq);
    const row = rows?.[item.seq - 1];
    const team = shownTo(documentId, item.state);
    if (row === undefined) yield { rule: "R3", text: `${name} (${item.cause}): no log has that position` };
    else yield* checkState(`${name} (${item.cause})`, shownOf(documentId, row.state, team), item.state);
    if (hasTeams(documentId) && !client.teams.includes(team)) {
      yield { rule: "R18", text: `${name}: shown as to team "${team}", which is not theirs` };
    }
    yield* checkStep(name, held, item);
    if (isHidden(documentId, client.subject, item.state)) yield { rule: "R18", text: `${name}: not theirs to see` };
    if (item.reason === "diverged" && !client.mayDiverge)
      yield { rule: "R3", text: `${name} healed, and nothing was lost` };
    held = item;
  }
}

function* checkState(name: string, wanted: Json, held: Json): Generator<Problem> {
  if (digest(wanted) === digest(held)) return;
  yield { rule: "R4", text: `${name} holds ${brief(held)}, the log says ${brief(wanted)}` };
}

function* checkStep(name: string, held: SeenState | undefined, next: SeenState): Generator<Problem> {
  if ((held === undefined) !== (next.cause === "first")) {
    yield { rule: "R3", text: `${name}: ${next.cause} after ${held?.cause ?? "nothing"}` };
  }
  if (next.cause === "delta" && held !== undefined && next.seq <= held.seq) {
    yield { rule: "R3", text: `${name}: a delta from ${held.seq} to ${next.seq}` };
  }
}

function isHidden(documentId: string, subject: string, state: Json): boolean {
  if (isChannel(documentId)) return !mayListen(subject);
  const members = member(state, "members");
  if (!documentId.startsWith("vault/") || typeof members !== "object" || members === null) return false;
  return !maySeeVault(subject, members as { readonly [id: string]: unknown });
}

const brief = (state: Json): string => JSON.stringify(state).slice(0, 160);
