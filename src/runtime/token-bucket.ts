// How much of something may happen in a stretch of time, with a burst. It counts and never waits.
import type { Runtime } from "./runtime.js";

/** A bucket that fills at a steady rate and holds no more than a burst. */
export class TokenBucket {
  readonly #runtime: Runtime;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #atMs: number;

  constructor({ runtime, perSecond, burst }: { runtime: Runtime; perSecond: number; burst: number }) {
    this.#runtime = runtime;
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = runtime.monotonicMs();
  }

  /** Nothing was taken from it lately. */
  get isFull(): boolean {
    return this.#fill() === this.#burst;
  }

  /** Takes one, or as many as given. Returns 0; or in how many ms there will be as many, and then nothing was taken. */
  take(count = 1): number {
    const tokens = this.#fill();
    if (tokens < count) return (count - tokens) / this.#perMs;
    this.#tokens = tokens - count;
    return 0;
  }

  #fill(): number {
    const nowMs = this.#runtime.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    return this.#tokens;
  }
}
