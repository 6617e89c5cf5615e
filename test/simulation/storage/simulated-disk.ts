// The disk under the simulated store: everything written, in order, and how much of it a power cut leaves. It is at the
// same time the record by which a run is judged: what is on it in the end is what happened.
import {
  type DocumentName,
  type StoredSnapshot,
  type Transaction,
  TransactionKind,
  type TrimBounds,
} from "../../../src/document/document-store.js";
import { MemoryDisk, MemoryDocument } from "../../../src/storage/memory/memory-disk.js";
import { nameKey } from "../../../src/storage/name-key.js";

/** One thing written. */
export type Written =
  | { readonly kind: "rows"; readonly name: DocumentName; readonly transactions: readonly Transaction[] }
  | { readonly kind: "snapshot"; readonly name: DocumentName; readonly snapshot: StoredSnapshot }
  | { readonly kind: "trim"; readonly name: DocumentName; readonly bounds: TrimBounds };

/** All transactions of a document, trimmed or not. */
export type Line = readonly Transaction[];

/** What is written, what of it is synced, and what was lost by restoring a backup. */
export class SimulatedDisk {
  /** As a process reads it: what is written but not synced included. */
  memory = new MemoryDisk();
  #written: Written[] = [];
  #synced = 0;
  #syncedHeads = new Map<string, number>();
  #deletions = new Map<string, number>();
  readonly #abandoned: ReadonlyMap<string, Line>[] = [];

  /** Histories that were given up for an older one, each whole. */
  get abandoned(): readonly ReadonlyMap<string, Line>[] {
    return this.#abandoned;
  }

  /** How many writes there were. */
  get writes(): number {
    return this.#written.length;
  }

  /** Records what the store inside has written to `memory`. */
  wrote(written: Written): void {
    this.#written.push(written);
  }

  /** Everything written so far survives a power cut. */
  sync(): void {
    for (; this.#synced < this.#written.length; this.#synced += 1) {
      const written = this.#written[this.#synced];
      if (written?.kind !== "rows") continue;
      const id = documentId(written.name);
      this.#syncedHeads.set(id, written.transactions.at(-1)?.seq ?? 0);
      const deletion = written.transactions.findLast(({ kind }) => kind === TransactionKind.delete);
      if (deletion !== undefined) this.#deletions.set(id, deletion.seq);
    }
  }

  /** The power fails: of what is not synced a part survives, in [0, 1), the oldest first. True: something was lost. */
  loseUnsynced(part: number): boolean {
    const loose = this.#written.length - this.#synced;
    if (loose === 0) return false;
    this.#keep(this.#synced + Math.floor(part * (loose + 1)));
    return true;
  }

  /** A backup taken after the first so many writes takes the place of everything. */
  restore(writes: number): void {
    this.#abandoned.push(this.lines());
    this.#keep(writes);
  }

  /** The log of each document, by its id, as far as it is written. */
  lines(): ReadonlyMap<string, Line> {
    const lines = new Map<string, Transaction[]>();
    for (const written of this.#written) {
      if (written.kind !== "rows") continue;
      const id = documentId(written.name);
      const line = lines.get(id) ?? [];
      lines.set(id, line);
      for (const transaction of written.transactions) line.push(transaction);
    }
    return lines;
  }

  /** Seq up to which a document survives a power cut. */
  syncedHead(id: string): number {
    return this.#syncedHeads.get(id) ?? 0;
  }

  /** Seq of the last deletion of a document that survives a power cut; 0: there was none. */
  lastDeletion(id: string): number {
    return this.#deletions.get(id) ?? 0;
  }

  #keep(count: number): void {
    this.#written = this.#written.slice(0, count);
    this.#synced = 0;
    this.#syncedHeads = new Map();
    this.#deletions = new Map();
    this.sync();
    const { generation } = this.memory;
    this.memory = new MemoryDisk();
    if (generation > 0) this.memory.nextGeneration({ now: generation, random: 0 });
    for (const written of this.#written) write(this.memory, written);
  }
}

/** `type/key`. */
export const documentId = ({ type, key }: DocumentName): string => `${type}/${key}`;

function write(disk: MemoryDisk, written: Written): void {
  const id = nameKey(written.name);
  const document = disk.documents.get(id) ?? new MemoryDocument(written.name);
  disk.documents.set(id, document);
  if (written.kind === "rows") for (const transaction of written.transactions) document.append(transaction);
  else if (written.kind === "snapshot") document.keepSnapshot(written.snapshot);
  else document.trim(written.bounds);
}
