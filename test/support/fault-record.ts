// Writes down when a fault began, was noticed, ended and was healed, and prints it as one line. It judges nothing: a
// test waits for conditions, and a person who wants to know how long reads the record.
import { performance } from "node:perf_hooks";

const NEVER = "nothing to notice";

/** One fault's times. */
export class FaultRecord {
  readonly #name: string;
  readonly #heartbeatMs: number;
  readonly #beganAtMs = performance.now();
  #noticed = NEVER;
  #endedAtMs = 0;

  /** The fault begins now. */
  constructor(name: string, heartbeatMs: number) {
    this.#name = name;
    this.#heartbeatMs = heartbeatMs;
  }

  /** Somebody says that it is not up to date; the first time counts. */
  noticed(): void {
    if (this.#noticed !== NEVER) return;
    const tookMs = performance.now() - this.#beganAtMs;
    this.#noticed = `noticed after ${tookMs.toFixed(0)} ms (${(tookMs / this.#heartbeatMs).toFixed(2)} heartbeats)`;
  }

  ended(): void {
    this.#endedAtMs = performance.now();
  }

  /** Everybody is at head again. */
  healed(): void {
    const tookMs = performance.now() - this.#endedAtMs;
    console.info(`fault: ${this.#name}: ${this.#noticed}, at head ${tookMs.toFixed(0)} ms after its end`);
  }
}
