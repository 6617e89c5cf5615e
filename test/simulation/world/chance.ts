// Chance that a seed repeats, one generator for each concern: whoever draws once more in one place shifts nothing
// elsewhere.
import { seededRandom } from "../../support/virtual-runtime.js";

/** A generator and what is asked of it most. */
export class Chance {
  /** Uniform in [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededRandom(seed);
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** True so often. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them. Throws RangeError when there is none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** `length` bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** All chance of one run. */
export class Chances {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The generator of one concern; the same name gives the same sequence, from its beginning. */
  of(concern: string): Chance {
    let mixed = Math.imul(this.#seed ^ 0x9e_37_79_b9, 0x85_eb_ca_6b);
    for (let index = 0; index < concern.length; index++) {
      mixed = Math.imul(mixed ^ concern.charCodeAt(index), 0x01_00_01_93);
      mixed ^= mixed >>> 15;
    }
    return new Chance(mixed >>> 0);
  }
}
