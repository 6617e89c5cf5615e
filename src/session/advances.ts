// Tells a client of what changed nothing it sees, where nobody asks: on a wire that only goes out there is no `ok` and no
// ping of its own for an advance to ride with, and a call that was answered elsewhere waits for it (STREAM-5).
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { HeadWatcher } from "./fan-out.js";

/** How long an advance waits for others, ms. */
const GATHER_MS = 100;

/** The advances of one session. */
export class Advances implements HeadWatcher {
  readonly #runtime: Runtime;
  readonly #tell: () => void;
  #timer: CancelTimer | undefined = undefined;

  constructor(runtime: Runtime, tell: () => void) {
    this.#runtime = runtime;
    this.#tell = tell;
  }

  /** A document has moved. */
  headMoved(): void {
    this.#timer ??= this.#runtime.setTimer(GATHER_MS, () => {
      this.#timer = undefined;
      this.#tell();
    });
  }

  stop(): void {
    this.#timer?.();
  }
}
