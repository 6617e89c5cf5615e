// Gathers everything that one turn of the event loop produces for each connection, so that it leaves in one write: the
// system call is what fan-out costs. Answers leave at once; what many are sent leaves in slices, between which the process
// hears its sockets: whoever was answered asks again meanwhile, and no document waits for the followers of another.
import type { Runtime } from "../runtime/runtime.js";

/** Something with output to hand over. */
export interface Flushable {
  /** Does nothing when there is nothing to hand over. */
  flush(): void;
}

/** How long a sweep goes on before others have their turn. */
export interface SliceSize {
  /** So long, and as long as the others took since the last slice: who asks much must not keep others from hearing. */
  readonly ms: number;
  /** So many connections are written to between two looks at the clock. */
  readonly connections: number;
}

/** A write takes 10 to 20 us. */
const SLICE: SliceSize = { ms: 2, connections: 32 };

/** The connections with output. */
export class Flusher {
  readonly #runtime: Runtime;
  readonly #slice: SliceSize;
  #answered: Flushable[] = [];
  /** Those of the sweep under way, and how far it is; and those of the next. */
  #sweep: readonly Flushable[] = [];
  #at = 0;
  #told: Flushable[] = [];
  #isDue = false;
  /** When the last slice of a sweep that goes on was over. */
  #pausedAtMs: number | undefined = undefined;

  constructor(runtime: Runtime, slice = SLICE) {
    this.#runtime = runtime;
    this.#slice = slice;
  }

  /** Flushes it when the current callback has returned. Who adds what waits already costs itself an empty flush. */
  add(queue: Flushable): void {
    this.#answered.push(queue);
    this.#schedule();
  }

  /** Flushes it behind all those, in its turn. */
  addToSweep(queue: Flushable): void {
    this.#told.push(queue);
    if (this.#pausedAtMs === undefined) this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#runtime.microtask(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isDue = false;
    const answered = this.#answered;
    if (answered.length > 0) {
      this.#answered = [];
      for (const queue of answered) queue.flush();
    }
    if (this.#pausedAtMs === undefined && this.#told.length > 0) this.#goOn();
  };

  readonly #goOn = (): void => {
    const beganMs = this.#runtime.monotonicMs();
    const untilMs = beganMs + Math.max(this.#slice.ms, beganMs - (this.#pausedAtMs ?? beganMs));
    let nowMs = beganMs;
    do {
      if (!this.#writeSome()) {
        this.#pausedAtMs = undefined;
        return;
      }
      nowMs = this.#runtime.monotonicMs();
    } while (nowMs < untilMs);
    this.#pausedAtMs = nowMs;
    this.#runtime.defer(this.#goOn);
  };

  /** False: there is nobody left. */
  #writeSome(): boolean {
    for (let left = this.#slice.connections; left > 0; left--) {
      const queue = this.#sweep[this.#at] ?? this.#begin();
      if (queue === undefined) return false;
      this.#at += 1;
      queue.flush();
    }
    return true;
  }

  /** The first of the next sweep. */
  #begin(): Flushable | undefined {
    this.#sweep = this.#told;
    this.#at = 0;
    this.#told = [];
    return this.#sweep[0];
  }
}
