// Holds back whatever was derived from memory until the disk has caught up with what it was derived from (R2). It
// knows positions only, not what it lets through.

/** Something that may leave when the durable head has reached `after`. */
export interface Gated {
  readonly after: number;
  /** Transactions up to this seq are delivered before it and all others behind it; undefined: it does not matter. */
  readonly splitAt: number | undefined;
  /** What it holds in memory, about. */
  readonly bytes: number;
  release(): void;
}

/** Released entries that may lie in front of waiting ones before they are cut off. */
const COMPACT_AT = 64;

/** A queue ordered by `after`, since memory only moves forward. */
export class OutputGate<Entry extends Gated> {
  #entries: Entry[] = [];
  #first = 0;
  #splits = 0;
  #bytes = 0;

  /** About how much memory waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#entries.length - this.#first;
  }

  /** Appends; `after` is never below that of the entry before. */
  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    if (entry.splitAt !== undefined) this.#splits += 1;
  }

  /** Lets out, in order, everything that waits for `durable` or less. `deliver(through)` is called before what must
   * come behind the transactions up to `through`, and at the end with `durable`. */
  open(durable: number, deliver: (through: number) => void): void {
    for (let split = this.#nextSplit(durable); split !== undefined; split = this.#nextSplit(durable)) {
      deliver(split.splitAt);
      this.#releaseThrough(split.index);
    }
    deliver(durable);
    while (this.#first < this.#entries.length && (this.#entries[this.#first]?.after ?? 0) <= durable) {
      this.#releaseThrough(this.#first);
    }
    this.#compact();
  }

  /** Takes everything back, in order: what it rested on is lost. */
  drain(): readonly Entry[] {
    const left = this.#entries.slice(this.#first);
    this.#entries = [];
    this.#first = 0;
    this.#splits = 0;
    this.#bytes = 0;
    return left;
  }

  #nextSplit(durable: number): { index: number; splitAt: number } | undefined {
    if (this.#splits === 0) return undefined;
    for (let index = this.#first; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.after > durable) return undefined;
      if (entry.splitAt !== undefined) return { index, splitAt: entry.splitAt };
    }
    return undefined;
  }

  #releaseThrough(index: number): void {
    while (this.#first <= index) {
      const entry = this.#entries[this.#first];
      this.#first += 1;
      if (entry === undefined) continue;
      if (entry.splitAt !== undefined) this.#splits -= 1;
      this.#bytes -= entry.bytes;
      entry.release();
    }
  }

  /** What was let out must not be held on to: most of the time that is everything. */
  #compact(): void {
    if (this.#first === 0 || (this.#first < this.#entries.length && this.#first < COMPACT_AT)) return;
    this.#entries = this.#first === this.#entries.length ? [] : this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
