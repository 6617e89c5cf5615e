// The difference between two values of a view as compact operations: what is the same node is not looked into, arrays
// are matched element by element. Applied to the one it gives the other; nothing else is promised of its form.
import { escapeToken, type Json, type JsonObject, type PatchOperation } from "@tidemark/protocol";
import { risingMatches } from "./rising-matches.js";

/** Past so many members that came, went or were replaced, and half of all, the whole array or object is sent. */
const MEMBERS_MIN = 16;
/** How far an element without identity is looked for beside where it was. */
const NEAR_MAX = 8;

/** Operations that take `before` to `after`; none when they are equal. */
export function viewDiff(before: Json, after: Json): PatchOperation[] {
  const operations: PatchOperation[] = [];
  compare(before, after, "", operations);
  return operations;
}

/** Are two values equal as JSON? The same node is equal without a look into it. */
export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (isArray(one)) {
    return isArray(other) && one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  }
  if (isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]));
}

function compare(before: Json, after: Json, path: string, into: PatchOperation[]): void {
  if (before === after) return;
  if (typeof before === "string" && typeof after === "string") {
    const appends = before !== "" && after.startsWith(before);
    into.push(appends ? ["~", path, after.slice(before.length)] : ["=", path, after]);
  } else if (isArray(before) && isArray(after)) {
    const mark = into.length;
    preferWhole(
      compareArrays(before, after, path, into),
      { size: after.length, mark, whole: ["=", path, after] },
      into,
    );
  } else if (isObject(before) && isObject(after)) {
    const mark = into.length;
    const size = Object.keys(after).length;
    preferWhole(compareObjects(before, after, path, into), { size, mark, whole: ["=", path, after] }, into);
  } else into.push(["=", path, after]);
}

/** Puts `whole` in the place of the operations since `mark` when it is likely to be shorter. */
function preferWhole(
  changed: number,
  { size, mark, whole }: { readonly size: number; readonly mark: number; readonly whole: PatchOperation },
  into: PatchOperation[],
): void {
  if (changed <= MEMBERS_MIN || changed * 2 <= size) return;
  into.length = mark;
  into.push(whole);
}

/** How many members came, went or were replaced as a whole. */
function compareObjects(before: JsonObject, after: JsonObject, path: string, into: PatchOperation[]): number {
  let changed = 0;
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key)) continue;
    into.push(["-", below(path, key)]);
    changed += 1;
  }
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (value === undefined) continue;
    const old = Object.hasOwn(before, key) ? before[key] : undefined;
    if (old === value) continue;
    if (old === undefined) into.push(["+", below(path, key), value]);
    else compare(old, value, below(path, key), into);
    if (old === undefined || !isNode(value)) changed += 1;
  }
  return changed;
}

type Items = readonly Json[];

/** How many elements came, went or were replaced as a whole. */
function compareArrays(before: Items, after: Items, path: string, into: PatchOperation[]): number {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && isSame(before[start], after[start])) start++;
  let end = 0;
  while (end < most - start && isSame(before[before.length - 1 - end], after[after.length - 1 - end])) end++;
  const old = before.slice(start, before.length - end);
  const fresh = after.slice(start, after.length - end);
  const run = new ArrayRun(path, start, into);
  let oldFrom = 0;
  let freshFrom = 0;
  for (const [oldAt, freshAt] of risingMatches(old, fresh)) {
    run.segment(old.slice(oldFrom, oldAt), fresh.slice(freshFrom, freshAt));
    run.skip();
    oldFrom = oldAt + 1;
    freshFrom = freshAt + 1;
  }
  run.segment(old.slice(oldFrom), fresh.slice(freshFrom));
  return run.changed;
}

/** Rewrites an array from its left to its right. */
class ArrayRun {
  readonly #path: string;
  readonly #into: PatchOperation[];
  changed = 0;
  #at: number;

  constructor(path: string, at: number, into: PatchOperation[]) {
    this.#path = path;
    this.#at = at;
    this.#into = into;
  }

  /** An element stays. */
  skip(): void {
    this.#at += 1;
  }

  /** These become those. */
  segment(old: Items, fresh: Items): void {
    let from = 0;
    let to = 0;
    while (from < old.length && to < fresh.length) {
      const gone = nearest(old, from, fresh[to]);
      const come = gone === 0 ? 0 : nearest(fresh, to, old[from]);
      if (gone !== undefined && (come === undefined || gone <= come)) {
        this.#remove(gone);
        from += gone + 1;
        to += 1;
        this.skip();
      } else if (come !== undefined) {
        for (const item of fresh.slice(to, to + come)) this.#add(item);
        to += come + 1;
        from += 1;
        this.skip();
      } else {
        const value = fresh[to] ?? null;
        compare(old[from] ?? null, value, `${this.#path}/${this.#at}`, this.#into);
        if (!isNode(value)) this.changed += 1;
        from += 1;
        to += 1;
        this.skip();
      }
    }
    this.#remove(old.length - from);
    for (const item of fresh.slice(to)) this.#add(item);
  }

  #remove(count: number): void {
    this.changed += count;
    for (let done = 0; done < count; done++) this.#into.push(["-", `${this.#path}/${this.#at}`]);
  }

  #add(item: Json): void {
    this.changed += 1;
    this.#into.push(["+", `${this.#path}/${this.#at}`, item]);
    this.#at += 1;
  }
}

/** How far from `from` the next element equal to `wanted` is; undefined: not near. */
function nearest(items: Items, from: number, wanted: Json | undefined): number | undefined {
  const most = Math.min(NEAR_MAX, items.length - from - 1);
  for (let distance = 0; distance <= most; distance++) if (isSame(items[from + distance], wanted)) return distance;
  return undefined;
}

const below = (path: string, key: string): string => `${path}/${escapeToken(key)}`;

const isNode = (value: Json): boolean => typeof value === "object" && value !== null;

const isArray = (value: Json): value is Items => Array.isArray(value);

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
