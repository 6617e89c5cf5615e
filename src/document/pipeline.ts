// Between memory and disk for one document: what was executed but is not durable, and everything that must wait for it.
// It owns the two heads and the order in which deltas and answers leave (R2, R3); it executes nothing.
import { LIMITS } from "@tidemark/protocol";
import type { Committer, Committing } from "./committer.js";
import type { Append, DocumentRef, StoredPosition, StoreError, Transaction } from "./document-store.js";
import type { Committed, RowAudience } from "./documents.js";
import { type Delivering, OutputGate } from "./output-gate.js";
import { RecentLog } from "./recent-log.js";
import type { ShownRows } from "./views/shown-rows.js";
import type { GatedWork } from "./work.js";

/** What a pipeline starts from. */
export interface PipelineParts {
  readonly ref: DocumentRef;
  /** Written on every new row. */
  readonly epoch: number;
  readonly head: StoredPosition;
  readonly audience: RowAudience;
  /** What the audience is shown of each; undefined: all of it. */
  readonly shown: ShownRows | undefined;
  readonly committer: Committer;
  readonly recentBytesMax: number;
  readonly owner: PipelineOwner;
}

/** Whose transactions they are. */
export interface PipelineOwner {
  /** Does anybody follow? Without followers nothing is kept for them to come back to; the disk has it. */
  readonly isFollowed: boolean;
  /** Something became durable. */
  durable(): void;
  /** All that was not durable is lost or in doubt; the pipeline is dead. `waiting` is what it owed, in order. */
  lost(waiting: readonly GatedWork[], error: StoreError | "fenced"): void;
}

/** A new transaction without its position, which the pipeline gives it. */
export type NewTransaction = Omit<Transaction, "seq" | "epoch">;

/** A transaction on its way, as the store takes it and as followers get it: one object, since every call makes one. */
type Row = Transaction & Committed;

const NO_ROWS: readonly Row[] = [];

/** The way of one document's transactions to the disk and to its audience. */
export class Pipeline implements Committing, Delivering {
  readonly recent: RecentLog;
  // Field by field, not as parts: with a thousand documents, each object on the way of a call is out of the cache.
  readonly #ref: DocumentRef;
  readonly #epoch: number;
  readonly #audience: RowAudience;
  readonly #shown: ShownRows | undefined;
  readonly #committer: Committer;
  readonly #owner: PipelineOwner;
  readonly #gate = new OutputGate<GatedWork>();
  #head: StoredPosition;
  #durable: StoredPosition;
  /** Executed since the store was last given something. */
  #unsent: Row[] = [];
  /** What the store was given and has not confirmed. */
  #undelivered: readonly Row[] = NO_ROWS;
  #undurableBytes = 0;
  #dead = false;

  constructor(parts: PipelineParts, tail: readonly Committed[]) {
    this.#ref = parts.ref;
    this.#epoch = parts.epoch;
    this.#audience = parts.audience;
    this.#shown = parts.shown;
    this.#committer = parts.committer;
    this.#owner = parts.owner;
    this.#head = parts.head;
    this.#durable = parts.head;
    const [oldest] = tail;
    const base = oldest === undefined ? parts.head : { seq: oldest.seq - 1, epoch: oldest.previousEpoch };
    this.recent = new RecentLog(parts.recentBytesMax, base);
    for (const row of tail) this.recent.push(row);
  }

  /** The head in memory. */
  get head(): StoredPosition {
    return this.#head;
  }

  /** The durable head's seq. */
  get durable(): number {
    return this.#durable.seq;
  }

  /** The durable head. */
  get durablePosition(): StoredPosition {
    return this.#durable;
  }

  /** True when more must not be executed before some of it is durable. */
  get isFull(): boolean {
    const { undurableTransactionsMax, undurableBytesMax } = LIMITS;
    // What only waits to be said takes memory too (R14); it never waits but for a commit that is under way.
    if (this.undurableCount >= undurableTransactionsMax || this.#gate.size >= undurableTransactionsMax * 2) return true;
    return this.#undurableBytes + this.#gate.bytes >= undurableBytesMax;
  }

  get undurableCount(): number {
    return this.#head.seq - this.#durable.seq;
  }

  /** True when what was not durable has been lost: nothing may be derived from this any more. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** How many answers and openings wait. */
  get gatedCount(): number {
    return this.#gate.size;
  }

  /** The point of the last transaction in memory that changed something; the head if none of them is known to. */
  get lastChange(): StoredPosition {
    const { epoch, seq } = this.recent.lastChange ?? this.#head;
    return { epoch, seq };
  }

  /** Takes an executed transaction. `by` is its author if the type reveals authors. */
  append(transaction: NewTransaction, by: string | undefined): StoredPosition {
    const previousEpoch = this.#head.epoch;
    const seq = this.#head.seq + 1;
    const epoch = this.#epoch;
    const position = { seq, epoch };
    // Written field by field: an object that begins with a spread costs a hundred times as much, and this is every call.
    const { typeVersion, kind, at, subject, operations, events, request } = transaction;
    const row = { seq, epoch, typeVersion, kind, at, subject, operations, events, request, previousEpoch, by };
    this.#head = position;
    if (this.#owner.isFollowed) this.recent.push(this.#shown?.committed(row) ?? row);
    else this.recent.skipTo(position);
    const bytes = bytesOf(row);
    this.#undurableBytes += bytes;
    this.#committer.workload.wrote(bytes);
    if (this.#unsent.length > 0) this.#unsent.push(row);
    else {
      this.#unsent = [row];
      this.#committer.enqueue(this);
    }
    return position;
  }

  /** Lets something out as soon as the disk has reached `entry.after`. */
  push(entry: GatedWork): void {
    this.#gate.push(entry);
    if (entry.after <= this.#durable.seq) this.#open();
  }

  take(): Append | undefined {
    if (this.#dead || this.#unsent.length === 0) return undefined;
    const transactions = this.#unsent;
    this.#unsent = [];
    this.#undelivered = this.#undelivered.length === 0 ? transactions : this.#undelivered.concat(transactions);
    return { ref: this.#ref, transactions };
  }

  committed({ transactions }: Append): void {
    const last = transactions.at(-1);
    if (this.#dead || last === undefined) return;
    this.#durable = { seq: last.seq, epoch: last.epoch };
    let bytes = 0;
    for (const transaction of transactions) bytes += bytesOf(transaction);
    this.#undurableBytes -= bytes;
    this.#committer.workload.settled(transactions.length, bytes);
    this.#open();
    this.#owner.durable();
  }

  fenced(): void {
    this.#lose("fenced");
  }

  lost(error: StoreError): void {
    this.#lose(error);
  }

  #lose(error: StoreError | "fenced"): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#unsent = [];
    this.#committer.workload.settled(this.undurableCount, this.#undurableBytes);
    this.#owner.lost(this.#gate.drain(), error);
  }

  #open(): void {
    this.#gate.open(this.#durable.seq, this);
  }

  /** The gate's: gives followers the durable transactions up to `through`. */
  deliver(through: number): void {
    const rows = this.#undelivered;
    const [oldest] = rows;
    if (oldest === undefined || oldest.seq > through) return;
    const count = through + 1 - oldest.seq;
    this.#undelivered = count >= rows.length ? NO_ROWS : rows.slice(count);
    this.#audience.deliver(this.#asShown(count >= rows.length ? rows : rows.slice(0, count)));
  }

  #asShown(rows: readonly Committed[]): readonly Committed[] {
    const shown = this.#shown;
    if (shown === undefined) return rows;
    // Those that were kept are filtered already.
    const [oldest] = rows;
    const kept = oldest === undefined ? undefined : this.recent.after(oldest.seq - 1);
    if (kept !== undefined && kept.length >= rows.length) return kept.slice(0, rows.length);
    return rows.map((row) => shown.committed(row));
  }
}

const bytesOf = ({ operations, events, request }: Transaction): number =>
  operations.length + (events?.length ?? 0) + (request?.result?.length ?? 0);
