// Gathers everything that one turn of the event loop produces for each connection, so that it leaves in one write: the
// system call is what fan-out costs.
import type { Runtime } from "../runtime/runtime.js";

/** Something with output to hand over. */
export interface Flushable {
  /** Does nothing when there is nothing to hand over. */
  flush(): void;
}

/** The connections with output in this turn. */
export class Flusher {
  readonly #runtime: Runtime;
  #waiting: Flushable[] = [];

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Flushes it when the current callback has returned. Who adds what waits already costs itself an empty flush. */
  add(queue: Flushable): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(queue);
    } else {
      this.#waiting = [queue];
      this.#runtime.microtask(this.#flush);
    }
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const queue of waiting) queue.flush();
  };
}
