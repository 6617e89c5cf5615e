// Follows a collection: what came, changed and went between two states, by key. It sees states only, never patches, so
// it tells the same story live and after a reset.

/** Listeners of a collection as they are called: typed by `Observer`, which follows the collection's type. */
export interface CollectionObserver {
  readonly added?: (item: unknown, key: string) => void;
  readonly changed?: (item: unknown, key: string, previous: unknown) => void;
  readonly removed?: (item: unknown, key: string) => void;
  /** Arrays only. */
  readonly key?: (item: unknown) => string;
}

/** The items of a collection by key. */
export type Items = ReadonlyMap<string, unknown>;

/** No items: where every story begins. */
export const NO_ITEMS: Items = new Map();

/** Reads a record by its keys, an array by the observer's `key`; null and undefined have no items. */
export function itemsOf(collection: unknown, key: CollectionObserver["key"]): Items {
  if (Array.isArray(collection)) {
    if (key === undefined) throw new TypeError("watch: an array needs `key`");
    return new Map(collection.map((item: unknown) => [key(item), item]));
  }
  if (typeof collection !== "object" || collection === null) return NO_ITEMS;
  return new Map(Object.entries(collection));
}

/** The calls that lead from one collection to another: what went, then the rest in the order of `after`. */
export function* differences(before: Items, after: Items, observer: CollectionObserver): Generator<() => void> {
  for (const [key, item] of before) if (!after.has(key)) yield () => observer.removed?.(item, key);
  for (const [key, item] of after) {
    if (!before.has(key)) yield () => observer.added?.(item, key);
    else if (before.get(key) !== item) yield () => observer.changed?.(item, key, before.get(key));
  }
}
