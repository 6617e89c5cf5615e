// What a memory store has committed: documents with their rows, snapshots and receipts. It outlives the store that
// wrote it, as a file would.
import type {
  ClientReceipts,
  DocumentName,
  LogRow,
  StoredPosition,
  StoredSnapshot,
  Transaction,
  TransactionRequest,
  TrimBounds,
} from "../../document/document-store.js";
import { TransactionKind } from "../../document/document-store.js";
import { generationAfter } from "../generation.js";
import { unsettled } from "../unsettled.js";

/** Everything committed, and the newest generation given. */
export class MemoryDisk {
  readonly documents = new Map<string, MemoryDocument>();
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  /** A generation greater than all before it, for one opening. */
  nextGeneration(chance: { now: number; random: number }): number {
    this.#generation = generationAfter(this.#generation, chance);
    return this.#generation;
  }
}

/** One document's log. */
export class MemoryDocument {
  readonly name: DocumentName;
  readonly receipts = new MemoryReceipts();
  snapshot: StoredSnapshot | undefined;
  #rows: LogRow[] = [];
  #head: StoredPosition = { seq: 0, epoch: 0 };
  deleted = false;

  constructor(name: DocumentName) {
    this.name = name;
  }

  get head(): StoredPosition {
    return this.#head;
  }

  append(transaction: Transaction): void {
    const { request, ...row } = transaction;
    this.#rows.push(row);
    this.#head = { seq: row.seq, epoch: row.epoch };
    this.deleted = row.kind === TransactionKind.delete;
    if (request !== undefined) this.receipts.add(request, this.#head);
  }

  rowAt(seq: number): LogRow | undefined {
    return this.#rows[seq - (this.#rows[0]?.seq ?? 0)];
  }

  rowsAfter(after: number): LogRow[] {
    return this.#rows.slice(Math.max(0, after + 1 - (this.#rows[0]?.seq ?? 0)));
  }

  keepSnapshot(snapshot: StoredSnapshot): void {
    if (snapshot.seq >= (this.snapshot?.seq ?? 0)) this.snapshot = snapshot;
  }

  trim({ deltas, since }: TrimBounds): void {
    const snapshot = this.snapshot?.seq ?? 0;
    const beyond = this.#head.seq - deltas;
    const kept = this.#rows.findIndex((row) => row.seq > snapshot || (row.seq > beyond && row.at >= since));
    this.#rows = kept < 0 ? [] : this.#rows.slice(kept);
  }
}

interface Receipt extends TransactionRequest, StoredPosition {}

/** The receipts of one document, settled ones dropped as soon as they are. */
class MemoryReceipts {
  readonly #byAsker = new Map<string, Receipt[]>();

  add(request: TransactionRequest, at: StoredPosition): void {
    const key = askerKey(request.subject, request.client);
    const receipt = { ...request, ...at };
    this.#byAsker.set(key, unsettled([...(this.#byAsker.get(key) ?? []), receipt]));
  }

  of(subject: string, client: string): ClientReceipts {
    const kept = this.#byAsker.get(askerKey(subject, client)) ?? [];
    const newest = kept.at(-1);
    const receipts = kept.map(({ n, seq, epoch, born, hash, result }) => ({ n, seq, epoch, born, hash, result }));
    return { low: newest?.low ?? 0, highest: newest?.n ?? 0, receipts };
  }
}

const askerKey = (subject: string, client: string): string => `${client}\0${subject}`;
