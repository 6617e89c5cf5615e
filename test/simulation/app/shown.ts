// What a viewer must see of a document, worked out from a state of the log and from nothing else: the judge's side of
// views.
import type { Json } from "@tidemark/protocol";
import { isFor, isTable, mineOf, sharedOf } from "./table.js";
import { vaultShown } from "./vault.js";

/** Have viewers of this document teams? */
export const hasTeams = (documentId: string): boolean => documentId.startsWith("table/");

const known = new WeakMap<object, Map<string, Json>>();

/** A state of the log as a team sees it. Made once for each. */
export function shownOf(documentId: string, state: Json, team: string): Json {
  if (typeof state !== "object" || state === null || Array.isArray(state)) return state;
  const views = known.get(state) ?? new Map<string, Json>();
  known.set(state, views);
  const view = views.get(team) ?? viewOf(documentId, state, team);
  views.set(team, view);
  return view;
}

/** The team that a state was made for, as it says itself; empty where there are none. */
export function shownTo(documentId: string, state: Json | undefined): string {
  const mine: unknown = hasTeams(documentId) ? Reflect.get(Object(state), "mine") : undefined;
  const team: unknown = Reflect.get(Object(mine), "team");
  return typeof team === "string" ? team : "";
}

/** Does a team hear of this event? */
export function isHeard(name: string, data: Json, team: string): boolean {
  return name !== "whispered" || isFor({ team: String(Reflect.get(Object(data), "team")) }, team);
}

function viewOf(documentId: string, state: Json, team: string): Json {
  if (documentId.startsWith("vault/")) return vaultShown(Object(state));
  if (!hasTeams(documentId)) return state;
  // Through JSON, as it went over the wire.
  return isTable(state) ? JSON.parse(JSON.stringify({ ...sharedOf(state), mine: mineOf(state, team) })) : state;
}
