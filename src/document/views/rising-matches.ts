// Which elements of one list stay where they are, relative to one another, in another list: the longest such choice by
// identity. Pure.

/** Pairs of indexes of identical elements, both rising. A value that stands in a list more than once may be missed. */
export function risingMatches<Item>(
  old: readonly Item[],
  fresh: readonly Item[],
): readonly (readonly [number, number])[] {
  if (old.length === 0 || fresh.length === 0) return [];
  const places = new Map<Item, number>();
  old.forEach((item, index) => void places.set(item, index));
  const pairs: Pair[] = [];
  fresh.forEach((item, at) => {
    const from = places.get(item);
    if (from !== undefined) pairs.push({ from, at, before: undefined });
  });
  return longestRising(pairs);
}

interface Pair {
  readonly from: number;
  readonly at: number;
  before: Pair | undefined;
}

/** By patience sorting: `ends[n]` ends the run of n + 1 pairs whose last `from` is the least. */
function longestRising(pairs: readonly Pair[]): readonly (readonly [number, number])[] {
  const ends: Pair[] = [];
  for (const pair of pairs) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.from ?? 0) < pair.from) low = middle + 1;
      else high = middle;
    }
    pair.before = ends[low - 1];
    ends[low] = pair;
  }
  const run: (readonly [number, number])[] = [];
  for (let pair = ends.at(-1); pair !== undefined; pair = pair.before) run.push([pair.from, pair.at]);
  return run.reverse();
}
