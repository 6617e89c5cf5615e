// What is to happen to a store's next commits and reads, as the faults have asked for it, and how often it did happen.
import type { TimeLine } from "../world/time-line.js";

/** What becomes of one commit. `lost` and `kept` are both reported as in doubt; `failed` is certainly not written. */
export type Fate = "commit" | "disk_full" | "failed" | "lost" | "kept";

/** The faults of one disk. */
export class StoreFaults {
  readonly counts = { storeLost: 0, storeKept: 0, storeFailed: 0, diskFull: 0, slowCommit: 0, readFails: 0 };
  readonly #timeLine: TimeLine;
  #next: Fate[] = [];
  #fullUntilMs = 0;
  #unreadableUntilMs = 0;
  #failedAtMs = 0;
  #slow = { untilMs: 0, extraMs: 0 };

  constructor(timeLine: TimeLine) {
    this.#timeLine = timeLine;
  }

  /** When a commit or a read last failed: what rests on it is asked for again later. */
  get failedAtMs(): number {
    return this.#failedAtMs;
  }

  /** The next commit that has no fate yet ends so. */
  doom(fate: "lost" | "kept" | "failed"): void {
    this.#next.push(fate);
  }

  /** Commits that were doomed and never came are not any more. */
  forgive(): void {
    this.#next = [];
  }

  fill(forMs: number): void {
    this.#fullUntilMs = Math.max(this.#fullUntilMs, this.#timeLine.nowMs + forMs);
  }

  slowDown(forMs: number, extraMs: number): void {
    this.#slow = { untilMs: this.#timeLine.nowMs + forMs, extraMs };
  }

  failReads(forMs: number): void {
    this.#unreadableUntilMs = Math.max(this.#unreadableUntilMs, this.#timeLine.nowMs + forMs);
  }

  /** What becomes of the commit that begins now. */
  fate(): Fate {
    const doomed = this.#next.shift();
    if (doomed !== undefined) {
      this.#failedAtMs = this.#timeLine.nowMs;
      this.counts[doomed === "lost" ? "storeLost" : doomed === "kept" ? "storeKept" : "storeFailed"] += 1;
      return doomed;
    }
    if (this.#timeLine.nowMs >= this.#fullUntilMs) return "commit";
    this.counts.diskFull += 1;
    this.#failedAtMs = this.#timeLine.nowMs;
    return "disk_full";
  }

  /** How much longer the commit that begins now takes, ms. */
  extraMs(): number {
    if (this.#timeLine.nowMs >= this.#slow.untilMs) return 0;
    this.counts.slowCommit += 1;
    return this.#slow.extraMs;
  }

  /** True: what is being read now cannot be read. */
  isUnreadable(): boolean {
    if (this.#timeLine.nowMs >= this.#unreadableUntilMs) return false;
    this.counts.readFails += 1;
    this.#failedAtMs = this.#timeLine.nowMs;
    return true;
  }
}
