// Timers that end with their owner.
import type { Cancel, Platform } from "../platform/platform.js";

export class Timers {
  readonly #platform: Platform;
  readonly #timers = new Set<Cancel>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Calls `run` once, unless it is cancelled or all are stopped before. */
  after(delayMs: number, run: () => void): Cancel {
    const stop = (): void => {
      cancel();
      this.#timers.delete(stop);
    };
    const cancel = this.#platform.setTimer(delayMs, () => {
      this.#timers.delete(stop);
      run();
    });
    this.#timers.add(stop);
    return stop;
  }

  stop(): void {
    for (const cancel of [...this.#timers]) cancel();
  }
}
