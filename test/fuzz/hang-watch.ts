// Notices an input that never ends. Nothing in the thread that runs it can, so another one looks whether inputs still
// go by: hang-watcher.mjs.
import { Worker } from "node:worker_threads";

/** No input may take so long: a loaded machine makes them slow, but not so slow. */
const STUCK_MS = 30_000;
const LINE_BYTES_MAX = 8 * 1_048_576;

/** Watches one target. */
export class HangWatch {
  /** How many inputs have begun, and the bytes of the newest. */
  readonly #state = new Int32Array(new SharedArrayBuffer(8));
  readonly #line = Buffer.from(new SharedArrayBuffer(LINE_BYTES_MAX));
  readonly #watcher: Worker;

  /** A stuck input is added to `file`. */
  constructor({ target, file, stuckMs = STUCK_MS }: { target: string; file: string; stuckMs?: number }) {
    const workerData = { target, file, stuckMs, state: this.#state.buffer, line: this.#line.buffer };
    this.#watcher = new Worker(new URL("./hang-watcher.mjs", import.meta.url), { workerData });
    this.#watcher.unref();
  }

  /** An input, as a line, is about to run. */
  begins(line: string): void {
    Atomics.store(this.#state, 1, this.#line.write(line, "latin1"));
    Atomics.add(this.#state, 0, 1);
  }

  async stop(): Promise<void> {
    await this.#watcher.terminate();
  }
}
