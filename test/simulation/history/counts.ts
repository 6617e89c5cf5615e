// Numbers by name that runs count, and their sums.
import type { StreamStats } from "../../../clients/typescript/src/api/stats.js";

/** How streams went. */
export interface Streamed {
  /** How often a client that held something was given what it missed, or a snapshot instead. */
  readonly replay: number;
  readonly snapshot: number;
  /** Streams that a heartbeat left out, because they were marked slow. */
  readonly marked: number;
  /** Snapshots that came in parts, and the parts. */
  readonly inParts: number;
  readonly parts: number;
  /** Deltas of several transactions, at a pace. */
  readonly merged: number;
}

/** What clients and their connections came to. */
export interface Counts {
  readonly healed: StreamStats["healed"];
  readonly resets: StreamStats["resets"];
  readonly streamed: Streamed;
  /** Calls of pages that were gone. */
  readonly adopted: number;
}

/** Nothing was counted. */
export const NO_COUNTS: Counts = {
  healed: { behind: 0, ahead: 0, otherHistory: 0, gap: 0, audit: 0 },
  resets: { behind: 0, other_history: 0, view_changed: 0, slow_reader: 0, diverged: 0 },
  streamed: { replay: 0, snapshot: 0, marked: 0, inParts: 0, parts: 0, merged: 0 },
  adopted: 0,
};

/** One and the other, name by name: they have the same ones. */
export function sumOf<Numbers extends { readonly [Name in keyof Numbers]: number }>(
  one: Numbers,
  other: Numbers,
): Numbers {
  const sum: Numbers = { ...one };
  for (const name in one) Reflect.set(sum, name, one[name] + other[name]);
  return sum;
}
