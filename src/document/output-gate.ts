// Holds back whatever was derived from a state in memory until the disk holds what it was derived from (R2). It
// knows positions only, not what it lets through.

/** Something that may leave when the durable head has reached `after`. In one gate at a time. */
export interface Gated<Self> {
  readonly after: number;
  /** Transactions up to this seq are delivered before it and all others behind it; undefined: it does not matter. */
  readonly splitAt: number | undefined;
  /** What it holds in memory, about. */
  readonly bytes: number;
  /** The gate's own: what came behind it. */
  behind: Self | undefined;
  release(): void;
}

/** Takes what becomes durable. */
export interface Delivering {
  /** Delivers transactions up to `through`. */
  deliver(through: number): void;
}

/** A queue ordered by `after`, since memory only moves forward. Linked, so that waiting costs an entry no memory. */
export class OutputGate<Entry extends Gated<Entry>> {
  #first: Entry | undefined;
  #last: Entry | undefined;
  #size = 0;
  #splits = 0;
  #bytes = 0;

  /** About how much memory waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries wait. */
  get size(): number {
    return this.#size;
  }

  /** Appends; `after` is never below that of the entry before. */
  push(entry: Entry): void {
    if (this.#last === undefined) this.#first = entry;
    else this.#last.behind = entry;
    this.#last = entry;
    this.#size += 1;
    this.#bytes += entry.bytes;
    if (entry.splitAt !== undefined) this.#splits += 1;
  }

  /** Lets out, in order, everything that waits for `durable` or less. `to` delivers before what must come behind
   * transactions those up to them, and at the end those up to `durable`. */
  open(durable: number, to: Delivering): void {
    while (this.#splits > 0) {
      const split = this.#nextSplit(durable);
      if (split?.splitAt === undefined) break;
      to.deliver(split.splitAt);
      this.#releaseThrough(split);
    }
    to.deliver(durable);
    for (let entry = this.#first; entry !== undefined && entry.after <= durable; entry = this.#first)
      this.#take(entry).release();
  }

  /** Takes everything back, in order: what it rested on is lost. */
  drain(): readonly Entry[] {
    const left: Entry[] = [];
    while (this.#first !== undefined) left.push(this.#take(this.#first));
    return left;
  }

  #nextSplit(durable: number): Entry | undefined {
    for (let entry = this.#first; entry !== undefined && entry.after <= durable; entry = entry.behind)
      if (entry.splitAt !== undefined) return entry;
    return undefined;
  }

  #releaseThrough(last: Entry): void {
    for (let entry = this.#first; entry !== undefined; entry = this.#first) {
      this.#take(entry).release();
      if (entry === last) return;
    }
  }

  /** Takes the first one out. */
  #take(entry: Entry): Entry {
    this.#first = entry.behind;
    if (this.#first === undefined) this.#last = undefined;
    entry.behind = undefined;
    this.#size -= 1;
    this.#bytes -= entry.bytes;
    if (entry.splitAt !== undefined) this.#splits -= 1;
    return entry;
  }
}
