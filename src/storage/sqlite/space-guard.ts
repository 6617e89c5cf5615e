// Refuses commits while the disk is nearly full, before anything is written: a commit that meets a full disk costs a
// rollback, and folding and checkpoints need room to move (R11).
import { StoreError } from "../../document/document-store.js";

const CHECK_EVERY_MS = 1_000;

export class SpaceGuard {
  readonly #freeBytes: () => number;
  readonly #freeBytesMin: number;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #free = Number.POSITIVE_INFINITY;

  /** `freeBytes` asks the file system; it is called at most once a second of the time that `admit` is given. */
  constructor(freeBytes: () => number, freeBytesMin: number) {
    this.#freeBytes = freeBytes;
    this.#freeBytesMin = freeBytesMin;
  }

  /** Throws StoreError `disk_full` when there is too little room. */
  admit(now: number): void {
    if (Math.abs(now - this.#checkedAt) >= CHECK_EVERY_MS) {
      this.#free = this.#freeBytes();
      this.#checkedAt = now;
    }
    if (this.#free < this.#freeBytesMin) {
      throw new StoreError("disk_full", `only ${this.#free} bytes are free, at least ${this.#freeBytesMin} are needed`);
    }
  }
}
