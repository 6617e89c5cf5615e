// A list of an application's listeners. What one of them throws is reported and does not reach the stream, nor the
// other listeners.
import type { Unsubscribe } from "../api/document.js";
import type { Platform } from "../platform/platform.js";

export class Listeners<Args extends readonly unknown[]> {
  readonly #platform: Platform;
  readonly #listeners = new Set<{ readonly run: (...args: Args) => void }>();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  add(run: (...args: Args) => void): Unsubscribe {
    // Boxed, so that one function added twice is called twice and removed once.
    const box = { run };
    this.#listeners.add(box);
    return () => void this.#listeners.delete(box);
  }

  /** Calls those that are there now, but for those that are removed meanwhile. */
  tell(...args: Args): void {
    for (const box of [...this.#listeners])
      if (this.#listeners.has(box)) guarded(this.#platform, () => box.run(...args));
  }

  clear(): void {
    this.#listeners.clear();
  }
}

/** Runs an application's function; what it throws is reported, never passed on. */
export function guarded(platform: Platform, run: () => void): void {
  try {
    run();
  } catch (error) {
    platform.reportError(error);
  }
}
