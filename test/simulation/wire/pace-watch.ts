// Whether one subscription keeps to its pace, as it looks from the server's side of the socket (PACE-1): one frame of
// deltas in so many ms, but for what an answer rests on (PACE-3) and for what brings a stream up to date.
import type { Complain } from "./followed.js";

/** How long after something else brought a stream up to date its frames are not counted, ms. */
const UNCOUNTED_MS = 3_000;
/** Sums of virtual times are not exact. */
const SLACK_MS = 0.001;

/** The pace of one subscription. */
export class PaceWatch {
  readonly everyMs: number;
  readonly #complain: Complain;
  #beatAtMs = Number.NEGATIVE_INFINITY;
  #countedFromMs = Number.NEGATIVE_INFINITY;
  /** Of one instant. */
  #atMs = Number.NEGATIVE_INFINITY;
  #frames = 0;
  #answers = 0;

  constructor(everyMs: number, complain: Complain) {
    this.everyMs = everyMs;
    this.#complain = complain;
  }

  /** It was opened, or may be brought up to date: what comes next is not at a pace. */
  disturbed(atMs: number): void {
    this.#countedFromMs = atMs + UNCOUNTED_MS;
    this.#frames = 0;
  }

  /** A frame of deltas. */
  sent(atMs: number): void {
    this.#moveTo(atMs);
    this.#frames += 1;
  }

  /** An answer that rests on what was sent at the same instant. */
  answered(atMs: number): void {
    this.#moveTo(atMs);
    this.#answers += 1;
  }

  #moveTo(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.#settle();
    this.#atMs = atMs;
    this.#frames = 0;
    this.#answers = 0;
  }

  #settle(): void {
    const beats = this.#frames - this.#answers;
    if (this.everyMs === 0 || beats <= 0 || this.#atMs < this.#countedFromMs) return;
    const sinceMs = this.#atMs - this.#beatAtMs;
    this.#beatAtMs = this.#atMs;
    if (beats === 1 && sinceMs >= this.everyMs - SLACK_MS) return;
    const what = beats > 1 ? `${beats} at once` : `after ${sinceMs.toFixed(1)} ms`;
    this.#complain("PACE-1", `deltas at a pace of ${this.everyMs} ms: ${what}`);
  }
}
