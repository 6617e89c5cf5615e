// A map by document. Names are looked up with every call, so nothing is joined together for it: space and key find a
// chain of the few documents that share them, one for each type.
import type { DocumentName } from "./document-store.js";

interface Entry<Value> {
  readonly name: DocumentName;
  value: Value;
  next: Entry<Value> | undefined;
}

type Space<Value> = Map<string, Entry<Value>>;

/** Values by (space, type, key). */
export class DocumentMap<Value> {
  readonly #spaces = new Map<string, Space<Value>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(name: DocumentName): Value | undefined {
    return this.#find(name)?.value;
  }

  set(name: DocumentName, value: Value): void {
    const known = this.#find(name);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const space: Space<Value> = this.#spaces.get(name.space) ?? new Map();
    this.#spaces.set(name.space, space);
    space.set(name.key, { name, value, next: space.get(name.key) });
    this.#size += 1;
  }

  /** True when it was there. */
  delete(name: DocumentName): boolean {
    const space = this.#spaces.get(name.space);
    const entry = this.#find(name);
    if (space === undefined || entry === undefined) return false;
    this.#size -= 1;
    const first = space.get(name.key);
    if (first !== entry) unlink(first, entry);
    else if (entry.next !== undefined) space.set(name.key, entry.next);
    else if (space.size > 1) space.delete(name.key);
    else this.#spaces.delete(name.space);
    return true;
  }

  *values(): Generator<Value> {
    for (const space of this.#spaces.values()) {
      for (const first of space.values())
        for (let entry: Entry<Value> | undefined = first; entry !== undefined; entry = entry.next) yield entry.value;
    }
  }

  #find(name: DocumentName): Entry<Value> | undefined {
    let entry = this.#spaces.get(name.space)?.get(name.key);
    while (entry !== undefined && entry.name.type !== name.type) entry = entry.next;
    return entry;
  }
}

function unlink<Value>(first: Entry<Value> | undefined, entry: Entry<Value>): void {
  let before = first;
  while (before !== undefined && before.next !== entry) before = before.next;
  if (before !== undefined) before.next = entry.next;
}
