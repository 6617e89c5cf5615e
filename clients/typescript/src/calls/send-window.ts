// How many calls a client keeps in flight: as many as the server allows, and after a refusal as few as it takes, found
// the way TCP finds its own. What waits here costs the server nothing; what is sent and refused costs it dearly. Pure: it
// knows no clocks but the times it is given.
import { LIMITS } from "@tidemark/protocol";

/** So few are nobody's overload, and a client with little to say does not wait for its own answers. */
const SIZE_MIN = 4;
/** How much of the spread of past answers is added to their mean for "certainly by then". */
const SPREADS = 2;
const MEAN_SHARE = 1 / 8;
const SPREAD_SHARE = 1 / 4;

export class SendWindow {
  #max: number = LIMITS.inFlightMax;
  #size: number = LIMITS.inFlightMax;
  /** Below it the size doubles with each round of answers, above it grows by one. */
  #threshold: number = LIMITS.inFlightMax;
  /** Answers still due to what was in flight at the last refusal: they speak of the window that was. */
  #past = 0;
  /** The call whose answer is timed. */
  #timed: { readonly n: number; readonly atMs: number } | undefined;
  #meanMs: number | undefined;
  #spreadMs = 0;

  /** How many calls may be in flight. */
  get size(): number {
    return Math.floor(this.#size);
  }

  /** A connection is live that allows so many. Nothing is in flight on it. */
  open(max: number): void {
    const isReduced = this.#size < this.#max;
    this.#max = Math.max(1, max);
    this.#size = isReduced ? Math.min(this.#size, this.#max) : this.#max;
    this.#threshold = isReduced ? Math.min(this.#threshold, this.#max) : this.#max;
    this.#past = 0;
    this.#timed = undefined;
  }

  sent(n: number, nowMs: number): void {
    this.#timed ??= { n, atMs: nowMs };
  }

  /** A copy was answered, and not refused for now. */
  answered(n: number, nowMs: number): void {
    this.#time(n, nowMs);
    if (this.#past > 0) this.#past--;
    else this.#size = Math.min(this.#max, this.#size + (this.#size < this.#threshold ? 1 : 1 / this.#size));
  }

  /** A copy was refused for now, when so many were in flight, itself included. */
  refused(n: number, nowMs: number, inFlight: number): void {
    this.#time(n, nowMs);
    if (this.#past > 0) {
      this.#past--;
      return;
    }
    this.#threshold = Math.max(SIZE_MIN, Math.min(this.#size, inFlight) / 2);
    this.#size = Math.min(SIZE_MIN, this.#max);
    this.#past = inFlight - 1;
  }

  /** True for a call that had to wait, and that the server could not answer any more in the time that is left of all it
   * had. Whoever has half of it left is always sent, or nobody would learn that answers are fast again. */
  isTooLate(leftMs: number, ttlMs: number): boolean {
    if (this.#size === this.#max || this.#meanMs === undefined) return false;
    return leftMs < Math.min(this.#meanMs + SPREADS * this.#spreadMs, ttlMs / 2);
  }

  /** One answer of a round is timed, as RFC 6298 does. */
  #time(n: number, nowMs: number): void {
    if (this.#timed?.n !== n) return;
    const tookMs = nowMs - this.#timed.atMs;
    this.#timed = undefined;
    if (this.#meanMs === undefined) {
      this.#meanMs = tookMs;
      this.#spreadMs = tookMs / 2;
      return;
    }
    this.#spreadMs += (Math.abs(tookMs - this.#meanMs) - this.#spreadMs) * SPREAD_SHARE;
    this.#meanMs += (tookMs - this.#meanMs) * MEAN_SHARE;
  }
}
