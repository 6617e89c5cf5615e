// What openings under way may hold in memory together, on all connections of this process: snapshots in parts, each
// counted once however many are sent it, and the rows of long replays. It holds nothing itself.

/** Something that an opening keeps in memory; others may keep the very same. */
export interface Holding {
  readonly what: object;
  readonly bytes: number;
}

/** Somebody who waits for room. */
export interface Waiter {
  /** There may be room: called once. */
  roomAgain(): void;
}

interface Held {
  readonly bytes: number;
  users: number;
}

/** Bytes held by openings under way. */
export class TransferBudget {
  readonly #bytesMax: number;
  readonly #held = new Map<object, Held>();
  readonly #waiting = new Set<Waiter>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** How many bytes are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Somebody waits for room. */
  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  /** One more uses all of these; false: there is no room for them. When nothing is held there is, however large they
   * are. */
  take(all: readonly Holding[]): boolean {
    const more = all.reduce((sum, { what, bytes }) => sum + (this.#held.has(what) ? 0 : bytes), 0);
    if (more > 0 && this.#bytes > 0 && this.#bytes + more > this.#bytesMax) return false;
    for (const { what, bytes } of all) {
      const held = this.#held.get(what);
      if (held === undefined) this.#held.set(what, { bytes, users: 1 });
      else held.users += 1;
    }
    this.#bytes += more;
    return true;
  }

  /** One less uses all of these. */
  give(all: readonly Holding[]): void {
    const before = this.#bytes;
    for (const { what } of all) this.#release(what);
    if (this.#bytes === before) return;
    // All together: those who ask in one turn share what they are given.
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const waiter of waiting) waiter.roomAgain();
  }

  /** Tells it once when there may be room. */
  wait(waiter: Waiter): void {
    this.#waiting.add(waiter);
  }

  /** It does not wait any more. */
  forget(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  #release(what: object): void {
    const held = this.#held.get(what);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(what);
    this.#bytes -= held.bytes;
  }
}
