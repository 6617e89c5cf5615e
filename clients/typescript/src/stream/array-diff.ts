// Which element of an array became which element of another, and the operations that bring them into their places.
// Equal elements are the same wherever they went; objects with an `id` or a `key` are known by it even when they
// changed. It compares no insides: that is local-diff's.
import { canonicalJson, type Json } from "@tidemark/protocol";

/** For each element of the new array the index of the old one that it was, or NEW. */
export type Origins = readonly number[];

/** An element that no old one became. */
export const NEW = -1;

/** Past so many elements out of order, the operations would be dearer than the array. */
const MOVES_MAX = 1_000;

/** Pairs elements: equal ones first, then by identity, then what has none in order. Each old one is used once. */
export function originsOf(before: readonly Json[], after: readonly Json[]): Origins {
  const origins: number[] = after.map(() => NEW);
  const free = new Set(before.keys());
  for (const name of [canonicalJson, identityOf, anonymous]) {
    const waiting = namedBy(name, before, free);
    for (const [index, item] of after.entries()) {
      if (origins[index] !== NEW) continue;
      const origin = waiting.get(name(item) ?? "")?.shift();
      if (origin === undefined) continue;
      origins[index] = origin;
      free.delete(origin);
    }
  }
  return origins;
}

type Naming = (item: Json) => string | undefined;

function namedBy(name: Naming, items: readonly Json[], among: ReadonlySet<number>): Map<string, number[]> {
  const named = new Map<string, number[]>();
  for (const index of among) {
    const text = name(items[index] ?? null);
    if (text === undefined) continue;
    const same = named.get(text);
    if (same === undefined) named.set(text, [index]);
    else same.push(index);
  }
  return named;
}

function identityOf(item: Json): string | undefined {
  if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
  for (const name of ["id", "key"]) {
    const value: unknown = Object.hasOwn(item, name) ? Reflect.get(item, name) : undefined;
    if (typeof value === "string" || typeof value === "number") return `${name}:${typeof value}:${value}`;
  }
  return undefined;
}

const anonymous: Naming = (item) => (identityOf(item) === undefined ? "anonymous" : undefined);

/** One step from the old order to the new one. Indexes are those at the time of the step. */
export type Step =
  | { readonly kind: "remove"; readonly at: number }
  | { readonly kind: "add"; readonly at: number }
  | { readonly kind: "move"; readonly from: number; readonly to: number };

/** The steps that put everything into place; undefined when they would be too many. `add` puts in what belongs there. */
export function stepsOf(length: number, origins: Origins): readonly Step[] | undefined {
  const kept = new Set(origins.filter((origin) => origin !== NEW));
  const anchors = rising(origins);
  if (kept.size - anchors.size > MOVES_MAX) return undefined;
  const steps: Step[] = [];
  const list = Array.from({ length }, (_, index) => index).filter((origin) => kept.has(origin));
  for (let at = length - 1; at >= 0; at--) if (!kept.has(at)) steps.push({ kind: "remove", at });
  const move = (from: number, to: number): void => {
    if (from === to) return;
    list.splice(to, 0, ...list.splice(from, 1));
    steps.push({ kind: "move", from, to });
  };
  for (const [at, origin] of origins.entries()) {
    if (origin === NEW) {
      list.splice(at, 0, NEW);
      steps.push({ kind: "add", at });
    } else if (anchors.has(origin)) {
      // What stands before an anchor and is none belongs further behind.
      while (list[at] !== origin) move(at, list.length - 1);
    } else {
      move(list.indexOf(origin, at), at);
    }
  }
  return steps;
}

/** A longest rising run of the origins: these elements need not move. */
function rising(origins: Origins): ReadonlySet<number> {
  const ends: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const origin of origins) {
    if (origin === NEW) continue;
    let low = 0;
    for (let high = ends.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] ?? 0) < origin) low = middle + 1;
      else high = middle;
    }
    before.set(origin, ends[low - 1]);
    ends[low] = origin;
  }
  const run = new Set<number>();
  for (let origin = ends.at(-1); origin !== undefined; origin = before.get(origin)) run.add(origin);
  return run;
}
