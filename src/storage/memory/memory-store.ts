// The DocumentStore in memory: for tests, simulations and applications that may forget. What a power cut would leave
// behind is a MemoryDisk, so that a store can be opened on it again; time and chance are handed in.
import type {
  Append,
  AppendOutcome,
  ClientReceipts,
  DocumentName,
  DocumentRef,
  DocumentStore,
  KeyPage,
  Loaded,
  LogRow,
  StoredSnapshot,
  Transaction,
  TrimBounds,
} from "../../document/document-store.js";
import { InvariantError, invariant } from "../../runtime/invariant.js";
import type { Runtime } from "../../runtime/runtime.js";
import { nameKey } from "../name-key.js";
import { OwnedRefs } from "../owned-refs.js";
import { type MemoryDisk, MemoryDocument } from "./memory-disk.js";

export interface MemoryStoreOptions {
  readonly disk: MemoryDisk;
  /** The wall clock and chance that the new generation is made of. */
  readonly runtime: Pick<Runtime, "now" | "random">;
}

/** Opens a store on a disk; whichever was open on it before is fenced by its epoch (R9). */
export class MemoryStore implements DocumentStore {
  readonly #disk: MemoryDisk;
  readonly #epoch: number;
  readonly #refs = new OwnedRefs();
  #appending = false;
  #closed = false;

  constructor({ disk, runtime }: MemoryStoreOptions) {
    this.#disk = disk;
    this.#epoch = disk.nextGeneration({ now: runtime.now(), random: runtime.random() });
  }

  async load(name: DocumentName): Promise<Loaded> {
    this.#check();
    const ref = this.#refs.claim(name, this.#epoch);
    const document = this.#disk.documents.get(nameKey(name));
    const base = { ref, epoch: this.#epoch };
    if (document === undefined) return { ...base, status: "absent" };
    const { head } = document;
    ref.doc = 1;
    ref.head = head.seq;
    if (document.deleted) return { ...base, status: "deleted", head };
    const { snapshot } = document;
    const tail = document.rowsAfter(snapshot?.seq ?? 0);
    return { ...base, status: "live", head, snapshot, tail };
  }

  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    this.#check();
    invariant(!this.#appending, "one append is in flight at a time");
    const outcomes = this.#disk.generation === this.#epoch ? this.#refs.admit(batch) : batch.map(fenced);
    batch.forEach(({ ref, transactions }, index) => {
      if (outcomes[index] === "committed") this.#commit(ref, transactions);
    });
    this.#appending = true;
    await Promise.resolve();
    this.#appending = false;
    return outcomes;
  }

  async read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]> {
    const document = this.#documentOf(ref);
    const rows: LogRow[] = [];
    let bytes = 0;
    for (const row of document?.rowsAfter(range.after) ?? []) {
      bytes += row.operations.length + (row.events?.length ?? 0);
      if (rows.length >= range.limit || (rows.length > 0 && bytes > range.bytesMax)) break;
      rows.push(row);
    }
    return rows;
  }

  async epochAt(ref: DocumentRef, seq: number): Promise<number | undefined> {
    return this.#documentOf(ref)?.rowAt(seq)?.epoch;
  }

  async saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void> {
    this.#check();
    const { head, name } = this.#refs.writable(ref);
    invariant(snapshot.seq <= head, `a snapshot at ${snapshot.seq} of a log that ends at ${head}`);
    this.#disk.documents.get(nameKey(name))?.keepSnapshot(snapshot);
  }

  async trim(ref: DocumentRef, bounds: TrimBounds): Promise<void> {
    this.#check();
    this.#disk.documents.get(nameKey(this.#refs.writable(ref).name))?.trim(bounds);
  }

  async receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts> {
    return this.#documentOf(ref)?.receipts.of(subject, client) ?? { low: 0, highest: 0, receipts: [] };
  }

  async list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage> {
    this.#check();
    const keys = [...this.#disk.documents.values()]
      .filter(({ name, deleted }) => name.space === page.space && name.type === page.type && !deleted)
      .map(({ name }) => name.key)
      .filter((key) => inByteOrder(key, page.after) > 0)
      .sort(inByteOrder);
    const shown = keys.slice(0, page.limit);
    return { keys: shown, next: keys.length > shown.length ? shown.at(-1) : undefined };
  }

  release(ref: DocumentRef): void {
    this.#refs.release(ref);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #commit(ref: DocumentRef, transactions: readonly Transaction[]): void {
    if (transactions.length === 0) return;
    const own = this.#refs.readable(ref);
    const key = nameKey(own.name);
    const document = this.#disk.documents.get(key) ?? new MemoryDocument(own.name);
    this.#disk.documents.set(key, document);
    for (const transaction of transactions) document.append(transaction);
    own.head = document.head.seq;
  }

  #documentOf(ref: DocumentRef): MemoryDocument | undefined {
    this.#check();
    return this.#disk.documents.get(nameKey(this.#refs.readable(ref).name));
  }

  #check(): void {
    if (this.#closed) throw new InvariantError("the store is closed");
  }
}

const fenced = (): AppendOutcome => "fenced";
const inByteOrder = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));
