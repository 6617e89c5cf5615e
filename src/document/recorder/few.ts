// A small index: a chain while there are few, a Map beyond. Most nodes that a transaction touches have one or two
// children and slots, and one Map for them would take more memory than all the rest.

/** What can stand in a chain: it knows by what it is found, and what was added before it. */
export interface Link<K, V> {
  readonly id: K;
  next: V | undefined;
}

/** None, a chain of them, the latest first, or all of them by id. */
export type Few<K, V extends Link<K, V>> = V | Map<K, V> | undefined;

const CHAIN_MAX = 8;

/** The one with this id; the latest, should there be two. */
export function findIn<K, V extends Link<K, V>>(few: Few<K, V>, id: K): V | undefined {
  if (few instanceof Map) return few.get(id);
  let link = few;
  while (link !== undefined && link.id !== id) link = link.next;
  return link;
}

/** The same with one more. A Map is changed in place. */
export function addTo<K, V extends Link<K, V>>(few: Few<K, V>, added: V): Few<K, V> {
  if (few instanceof Map) return few.set(added.id, added);
  added.next = few;
  let length = 0;
  for (let link: V | undefined = added; link !== undefined; link = link.next) length += 1;
  return length > CHAIN_MAX ? indexed(added) : added;
}

function indexed<K, V extends Link<K, V>>(latest: V): Map<K, V> {
  const index = new Map<K, V>();
  for (let link: V | undefined = latest; link !== undefined; link = link.next) {
    if (!index.has(link.id)) index.set(link.id, link);
  }
  return index;
}
