// Finds whose reads a range of operations wrote to, without asking each of them: what wrote nothing that anybody read
// costs nothing more. It knows reads and writes, not what readers are.
import type { PatchOperation } from "@tidemark/protocol";
import { topPartOf, unescapeToken } from "../parts.js";
import { type Reads, WHOLE } from "./reads.js";

/** Readers of one part. */
interface PartReaders<Reader> {
  /** Of any of it. */
  readonly whole: Set<Reader>;
  /** Of whether it is there. */
  readonly presence: Set<Reader>;
  readonly keys: Map<string, Set<Reader>>;
}

/** Readers by what they read. */
export class ReadIndex<Reader> {
  readonly #reads = new Map<Reader, Reads>();
  readonly #names = new Set<Reader>();
  readonly #parts = new Map<string, PartReaders<Reader>>();

  /** From now on a reader has read this, and nothing else. */
  set(reader: Reader, reads: Reads): void {
    this.delete(reader);
    this.#reads.set(reader, reads);
    if (reads.names) this.#names.add(reader);
    for (const [part, keys] of reads.parts) {
      const readers = this.#readersOf(part);
      if (keys === WHOLE) readers.whole.add(reader);
      else {
        readers.presence.add(reader);
        for (const key of keys) addTo(readers.keys, key, reader);
      }
    }
  }

  /** A reader has read nothing. */
  delete(reader: Reader): void {
    const reads = this.#reads.get(reader);
    if (reads === undefined) return;
    this.#reads.delete(reader);
    this.#names.delete(reader);
    for (const [part, keys] of reads.parts) {
      const readers = this.#parts.get(part);
      if (readers === undefined) continue;
      readers.whole.delete(reader);
      readers.presence.delete(reader);
      if (keys !== WHOLE) for (const key of keys) removeFrom(readers.keys, key, reader);
      if (readers.whole.size + readers.presence.size === 0) this.#parts.delete(part);
    }
  }

  /** Everybody who read something that these operations wrote. */
  touchedBy(operations: readonly PatchOperation[]): Set<Reader> {
    const touched = new Set<Reader>();
    for (const operation of operations) {
      this.#touch(operation[1], operation[0], touched);
      if (operation[0] === ">") this.#touch(operation[2], "+", touched);
    }
    return touched;
  }

  #touch(path: string, name: PatchOperation[0], touched: Set<Reader>): void {
    if (path === "") return void addAll(touched, this.#reads.keys());
    const end = path.indexOf("/", 1);
    if (end === -1 && name !== "=" && name !== "~") addAll(touched, this.#names);
    const readers = this.#parts.get(topPartOf(path));
    if (readers === undefined) return;
    addAll(touched, readers.whole);
    if (end === -1) {
      addAll(touched, readers.presence);
    } else {
      const next = path.indexOf("/", end + 1);
      const key = unescapeToken(next === -1 ? path.slice(end + 1) : path.slice(end + 1, next));
      addAll(touched, readers.keys.get(key) ?? NOBODY);
    }
  }

  #readersOf(part: string): PartReaders<Reader> {
    const known = this.#parts.get(part);
    if (known !== undefined) return known;
    const readers: PartReaders<Reader> = { whole: new Set(), presence: new Set(), keys: new Map() };
    this.#parts.set(part, readers);
    return readers;
  }
}

const NOBODY: readonly never[] = [];

function addAll<Reader>(to: Set<Reader>, readers: Iterable<Reader>): void {
  for (const reader of readers) to.add(reader);
}

function addTo<Reader>(keys: Map<string, Set<Reader>>, key: string, reader: Reader): void {
  const readers = keys.get(key);
  if (readers === undefined) keys.set(key, new Set([reader]));
  else readers.add(reader);
}

function removeFrom<Reader>(keys: Map<string, Set<Reader>>, key: string, reader: Reader): void {
  const readers = keys.get(key);
  readers?.delete(reader);
  if (readers?.size === 0) keys.delete(key);
}
