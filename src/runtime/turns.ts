// Lets in so many pieces of work at a time and so much in one turn of the event loop; the others wait in order, the
// urgent ones first. It knows nothing of what the work is.
import type { Runtime } from "./runtime.js";

/** A piece of work. */
export interface Turn {
  /** It goes before those that are not. */
  readonly isUrgent: boolean;
  /** False: nobody waits for it any more, so it is never begun. */
  readonly isAwaited: () => boolean;
  /** Begins it, and says when it is over. */
  readonly begin: () => Promise<void>;
  /** Instead of `begin`, when nobody waited for it any more. */
  readonly skipped: () => void;
}

/** How long one turn of the event loop may begin work, which may do all of it on the spot. */
const SLICE_MS = 10;

/** Who is next. */
export class Turns {
  readonly #runtime: Runtime;
  readonly #atOnceMax: number;
  readonly #urgent: Queue = new Queue();
  readonly #others: Queue = new Queue();
  #running = 0;
  /** When the current turn of the event loop has done enough; undefined: it has done nothing yet. */
  #sliceUntilMs: number | undefined = undefined;

  constructor(runtime: Runtime, atOnceMax: number) {
    this.#runtime = runtime;
    this.#atOnceMax = atOnceMax;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#urgent.size + this.#others.size;
  }

  /** Gives it its turn, now or later. */
  take(turn: Turn): void {
    (turn.isUrgent ? this.#urgent : this.#others).push(turn);
    this.#begin();
  }

  #begin(): void {
    if (this.#running >= this.#atOnceMax) return;
    const untilMs = this.#slice();
    while (this.#running < this.#atOnceMax && this.#runtime.monotonicMs() < untilMs) {
      const turn = this.#urgent.shift() ?? this.#others.shift();
      if (turn === undefined) return;
      if (turn.isAwaited()) this.#run(turn);
      else turn.skipped();
    }
  }

  #slice(): number {
    if (this.#sliceUntilMs !== undefined) return this.#sliceUntilMs;
    this.#sliceUntilMs = this.#runtime.monotonicMs() + SLICE_MS;
    this.#runtime.defer(() => {
      this.#sliceUntilMs = undefined;
      if (this.waiting > 0) this.#begin();
    });
    return this.#sliceUntilMs;
  }

  #run(turn: Turn): void {
    this.#running += 1;
    const over = (): void => {
      this.#running -= 1;
      if (this.waiting > 0) this.#begin();
    };
    turn.begin().then(over, over);
  }
}

/** First in, first out, at no cost for those behind. */
class Queue {
  #turns: (Turn | undefined)[] = [];
  #next = 0;

  get size(): number {
    return this.#turns.length - this.#next;
  }

  push(turn: Turn): void {
    this.#turns.push(turn);
  }

  shift(): Turn | undefined {
    const turn = this.#turns[this.#next];
    if (turn === undefined) return undefined;
    this.#turns[this.#next] = undefined;
    this.#next += 1;
    if (this.#next === this.#turns.length) {
      this.#turns = [];
      this.#next = 0;
    }
    return turn;
  }
}
