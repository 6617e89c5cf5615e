// The newest transactions of one document in memory, so that brief outages replay without the disk. Bounded in bytes;
// it forgets the oldest first and never holds a gap.
import type { StoredPosition } from "./document-store.js";
import type { Committed } from "./documents.js";

const ROW_OVERHEAD_BYTES = 96;

const bytesOf = (row: Committed): number =>
  row.operations.length + (row.events === undefined ? 0 : row.events.length) + ROW_OVERHEAD_BYTES;

/** A contiguous run of the log that ends at the head. */
export class RecentLog {
  readonly #bytesMax: number;
  #rows: Committed[] = [];
  #first = 0;
  #bytes = 0;
  /** The position before the oldest row, or the head when there is no row. */
  #base: StoredPosition;

  constructor(bytesMax: number, base: StoredPosition) {
    this.#bytesMax = bytesMax;
    this.#base = base;
  }

  /** Adds the transaction that follows the newest one; keeps nothing of it but what it is delivered with. */
  push({ epoch, previousEpoch, seq, at, operations, events, by }: Committed): void {
    const row = { epoch, previousEpoch, seq, at, operations, events, by };
    this.#rows.push(row);
    this.#bytes += bytesOf(row);
    while (this.#bytes > this.#bytesMax && this.#first < this.#rows.length - 1) this.#dropOldest();
    if (this.#first > 1_024 && this.#first * 2 > this.#rows.length) this.#compact();
  }

  /** Forgets everything up to a head that was reached without it. */
  skipTo(head: StoredPosition): void {
    this.#base = head;
    if (this.#bytes === 0) return;
    this.#rows = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  /** The newest row with operations or events, if one is here. */
  get lastChange(): Committed | undefined {
    return this.#rows.findLast(
      ({ operations, events }, index) => index >= this.#first && (operations !== "[]" || events !== undefined),
    );
  }

  /** Rows with `after < seq`, or undefined when the oldest of them is no longer here. */
  after(seq: number): readonly Committed[] | undefined {
    if (seq < this.#base.seq) return undefined;
    return this.#rows.slice(this.#first + (seq - this.#base.seq));
  }

  /** The epoch of the row at `seq`, if it is here or is the one right before them. */
  epochAt(seq: number): number | undefined {
    if (seq <= this.#base.seq) return seq === this.#base.seq ? this.#base.epoch : undefined;
    return this.#rows[this.#first + (seq - this.#base.seq - 1)]?.epoch;
  }

  #dropOldest(): void {
    const oldest = this.#rows[this.#first];
    if (oldest === undefined) return;
    this.#bytes -= bytesOf(oldest);
    this.#base = { seq: oldest.seq, epoch: oldest.epoch };
    this.#first += 1;
  }

  #compact(): void {
    this.#rows = this.#rows.slice(this.#first);
    this.#first = 0;
  }
}
