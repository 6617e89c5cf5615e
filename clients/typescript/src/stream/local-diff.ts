// Compares two states: what a snapshot changed, as a patch, and the new state built from as much of the old one as is
// equal, so that applications that compare by reference see only real changes.
import { escapeToken, type Json, type JsonObject, type JsonPatchOperation, jsonEquals } from "@tidemark/protocol";

/** The difference between two values. */
export interface Difference {
  /** Equal to `after`; whatever in it equals its counterpart in `before` is the very same object. */
  readonly value: Json;
  /** RFC 6902 operations that take `before` to `after`. */
  readonly patch: readonly JsonPatchOperation[];
}

/** Compares element by element: objects by key, arrays by index between their common beginning and end. */
export function localDiff(before: Json, after: Json): Difference {
  const patch: JsonPatchOperation[] = [];
  return { value: unify(before, after, { path: "", patch }), patch };
}

interface Place {
  readonly path: string;
  readonly patch: JsonPatchOperation[];
}

function unify(before: Json, after: Json, place: Place): Json {
  if (before === after) return before;
  if (isArray(before) && isArray(after)) return unifyArrays(before, after, place);
  if (isObject(before) && isObject(after)) return unifyObjects(before, after, place);
  place.patch.push({ op: "replace", path: place.path, value: after });
  return after;
}

function unifyObjects(before: JsonObject, after: JsonObject, { path, patch }: Place): JsonObject {
  let same = true;
  for (const name of Object.keys(before)) {
    if (Object.hasOwn(after, name)) continue;
    same = false;
    patch.push({ op: "remove", path: below(path, name) });
  }
  const value: { [name: string]: Json } = {};
  for (const [name, item] of Object.entries(after)) {
    const held = Object.hasOwn(before, name) ? before[name] : undefined;
    if (held === undefined) patch.push({ op: "add", path: below(path, name), value: item });
    const unified = held === undefined ? item : unify(held, item, { path: below(path, name), patch });
    same &&= unified === held;
    value[name] = unified;
  }
  return same ? before : value;
}

function unifyArrays(before: readonly Json[], after: readonly Json[], { path, patch }: Place): readonly Json[] {
  const start = commonStart(before, after);
  if (start === before.length && start === after.length) return before;
  const end = commonEnd(before, after, start);
  const held = before.slice(start, before.length - end);
  const wanted = after.slice(start, after.length - end);
  const middle = wanted.map((item, index) => {
    const at = below(path, String(start + index));
    const old = held[index];
    if (old !== undefined) return unify(old, item, { path: at, patch });
    patch.push({ op: "add", path: at, value: item });
    return item;
  });
  for (let index = held.length - 1; index >= wanted.length; index--) {
    patch.push({ op: "remove", path: below(path, String(start + index)) });
  }
  return [...before.slice(0, start), ...middle, ...before.slice(before.length - end)];
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

function below(path: string, token: string): string {
  return `${path}/${escapeToken(token)}`;
}
