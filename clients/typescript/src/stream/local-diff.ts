// Compares two states: what a snapshot changed, as a patch, and the new state built from as much of the old one as is
// equal, so that applications that compare by reference see only real changes.
import { escapeToken, type Json, type JsonObject, type JsonPatchOperation, jsonEquals } from "@tidemark/protocol";
import { NEW, originsOf, type Step, stepsOf } from "./array-diff.js";

/** The difference between two values. */
export interface Difference {
  /** Equal to `after`; whatever in it equals its counterpart in `before` is the very same object. */
  readonly value: Json;
  /** RFC 6902 operations that take `before` to `after`. */
  readonly patch: readonly JsonPatchOperation[];
}

/** Compares objects by key; arrays by what their elements are, wherever they stand. */
export function localDiff(before: Json, after: Json): Difference {
  const patch: JsonPatchOperation[] = [];
  return { value: unify(before, after, { path: "", patch }), patch };
}

/** The value of a difference alone. */
export function withSharing(before: Json, after: Json): Json {
  return unify(before, after, undefined);
}

interface Place {
  readonly path: string;
  readonly patch: JsonPatchOperation[];
}

/** Without a place nobody wants the patch. */
function unify(before: Json, after: Json, place: Place | undefined): Json {
  if (before === after) return before;
  if (isArray(before) && isArray(after)) return unifyArrays(before, after, place);
  if (isObject(before) && isObject(after)) return unifyObjects(before, after, place);
  place?.patch.push({ op: "replace", path: place.path, value: after });
  return after;
}

function unifyObjects(before: JsonObject, after: JsonObject, place: Place | undefined): JsonObject {
  let same = true;
  for (const name of Object.keys(before)) {
    if (Object.hasOwn(after, name)) continue;
    same = false;
    place?.patch.push({ op: "remove", path: below(place.path, name) });
  }
  const value: { [name: string]: Json } = {};
  for (const [name, item] of Object.entries(after)) {
    const held = Object.hasOwn(before, name) ? before[name] : undefined;
    if (held === undefined) place?.patch.push({ op: "add", path: below(place.path, name), value: item });
    const unified = held === undefined ? item : unify(held, item, inside(place, name));
    same &&= unified === held;
    value[name] = unified;
  }
  return same ? before : value;
}

function unifyArrays(before: readonly Json[], after: readonly Json[], place: Place | undefined): readonly Json[] {
  const start = commonStart(before, after);
  if (start === before.length && start === after.length) return before;
  const end = commonEnd(before, after, start);
  const held = before.slice(start, before.length - end);
  const wanted = after.slice(start, after.length - end);
  const origins = originsOf(held, wanted);
  const steps = place === undefined ? undefined : stepsOf(held.length, origins);
  if (place !== undefined && steps === undefined) place.patch.push({ op: "replace", path: place.path, value: after });
  // Elements are put into place before anything is said of their insides, under the indexes they then have.
  for (const step of steps ?? []) place?.patch.push(operationOf(step, { place, start, wanted }));
  const middle = wanted.map((item, index) => {
    const old = held[origins[index] ?? NEW];
    return old === undefined ? item : unify(old, item, steps && inside(place, String(start + index)));
  });
  return [...before.slice(0, start), ...middle, ...before.slice(before.length - end)];
}

interface Arrangement {
  readonly place: Place;
  readonly start: number;
  readonly wanted: readonly Json[];
}

function operationOf(step: Step, { place, start, wanted }: Arrangement): JsonPatchOperation {
  const at = (index: number): string => below(place.path, String(start + index));
  switch (step.kind) {
    case "remove":
      return { op: "remove", path: at(step.at) };
    case "add":
      return { op: "add", path: at(step.at), value: wanted[step.at] ?? null };
    case "move":
      return { op: "move", from: at(step.from), path: at(step.to) };
  }
}

function commonStart(before: readonly Json[], after: readonly Json[]): number {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && equal(before[start], after[start])) start++;
  return start;
}

function commonEnd(before: readonly Json[], after: readonly Json[], start: number): number {
  const most = Math.min(before.length, after.length) - start;
  let end = 0;
  while (end < most && equal(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  return end;
}

function equal(one: Json | undefined, other: Json | undefined): boolean {
  return one !== undefined && other !== undefined && jsonEquals(one, other);
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inside(place: Place | undefined, token: string): Place | undefined {
  return place === undefined ? undefined : { path: below(place.path, token), patch: place.patch };
}

function below(path: string, token: string): string {
  return `${path}/${escapeToken(token)}`;
}
