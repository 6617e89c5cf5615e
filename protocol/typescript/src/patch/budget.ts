// What a patch may build. A few hundred bytes of `copy` can double a document again and again, so everything that
// operations put into a document is measured, and measuring stops as soon as the bound is passed.
import type { Json } from "../json.js";
import { LIMITS } from "../limits.js";
import { PatchFault } from "./patch-error.js";

/** Above what a state may have, so that no state the server accepted is refused here. */
const DEPTH_MAX = LIMITS.depthMax + LIMITS.envelopeDepth;

/** Counts down the bytes that one patch may still build. */
export class Budget {
  #bytesLeft: number;

  constructor(bytesMax: number) {
    this.#bytesLeft = bytesMax;
  }

  /**
   * Charges for a value that is put at a path of `depth` tokens: about the bytes of its JSON text, and never more, so
   * that whatever fits a limit on text fits the same budget.
   */
  charge(value: Json, depth: number): void {
    if (typeof value === "string") this.#take(value.length + 2);
    else if (typeof value === "number") this.#take(digitsAtLeast(value));
    else if (typeof value !== "object" || value === null) this.#take(4);
    else this.#chargeContainer(value, depth);
  }

  #chargeContainer(value: object, depth: number): void {
    if (depth >= DEPTH_MAX) throw new PatchFault("too_large", `the result would nest deeper than ${DEPTH_MAX}`);
    this.#take(2);
    if (Array.isArray(value)) {
      for (const item of value) this.charge(item, depth + 1);
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      if (key === "__proto__") throw new PatchFault("forbidden_key", "the key __proto__ is forbidden");
      this.#take(key.length + 3);
      this.charge(item, depth + 1);
    }
  }

  #take(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw new PatchFault("too_large", "the operations build more than the budget allows");
  }
}

function digitsAtLeast(value: number): number {
  if (!Number.isInteger(value)) return 3;
  const size = Math.abs(value);
  if (size < 10) return 1;
  return size < 1_000 ? 2 : 4;
}
