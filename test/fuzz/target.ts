// What the fuzzer needs of something under test.
import type { Random } from "./byte-mutation.js";

/** Frames in the order in which they are sent. */
export type Input = readonly Uint8Array[];

/** Something the product must never do. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Something that takes inputs. */
export interface Target {
  readonly name: string;
  /** Where the fuzzer begins. */
  readonly seeds: readonly Input[];
  /** Rejects with Violation, or with whatever else went wrong. The same input always ends the same way. */
  run(input: Input): Promise<void>;
  /** Another frame like this one; pieces may come from `other`. */
  mutate(frame: Uint8Array, other: Uint8Array, random: Random): Uint8Array;
}
