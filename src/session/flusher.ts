// Gathers everything that one turn of the event loop produces for each connection, so that it leaves in one write: the
// system call is what fan-out costs.
import type { Runtime } from "../runtime/runtime.js";

/** Something with output to hand over. */
export interface Flushable {
  flush(): void;
}

/** The connections with output in this turn. */
export class Flusher {
  readonly #runtime: Runtime;
  #waiting = new Set<Flushable>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Flushes it when the current callback has returned. */
  add(queue: Flushable): void {
    if (this.#waiting.size === 0) this.#runtime.microtask(this.#flush);
    this.#waiting.add(queue);
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const queue of waiting) queue.flush();
  };
}
