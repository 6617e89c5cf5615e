// Where a campaign stands, in a file: the next part of it goes on from there, also after this process was killed.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { FAULT_NAMES, type FaultCounts } from "../faults/fault.js";
import type { Totals } from "./totals.js";

const count = z.number().nonnegative();
const Faults = z.custom<FaultCounts>((value) => {
  if (typeof value !== "object" || value === null) return false;
  return FAULT_NAMES.every((name) => typeof Reflect.get(value, name) === "number");
});

const Progress = z.object({
  format: z.literal(1),
  /** What the code did with a few seeds when the campaign began: with other code, other seeds mean other runs. */
  fingerprint: z.string(),
  from: count,
  next: count,
  totals: z.object({
    seeds: count,
    spentMs: count,
    slowest: z.object({ seed: count, ms: count }),
    virtualMs: count,
    events: count,
    rows: count,
    streamed: z.object({ replay: count, snapshot: count, marked: count, inParts: count, parts: count, merged: count }),
    adopted: count,
    resets: z.object({ behind: count, other_history: count, view_changed: count, slow_reader: count, diverged: count }),
    healed: z.object({ behind: count, ahead: count, otherHistory: count, gap: count, audit: count }),
    faults: Faults,
    failures: z.array(z.object({ seed: count, rule: z.string(), text: z.string() })),
  }),
});

/** Where a campaign stands. */
export interface Progress {
  readonly fingerprint: string;
  readonly from: number;
  /** The seed that is to be run next. */
  readonly next: number;
  readonly totals: Totals;
}

/** Undefined: there is no such file. Throws Error for one that is something else. */
export function readProgress(path: string): Progress | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return Progress.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    throw new Error(`${path} is not the progress of a simulation`);
  }
}

/** Replaces the file at once, so that it is whole whenever this process dies. */
export function writeProgress(path: string, progress: Progress): void {
  writeFileSync(`${path}.new`, `${JSON.stringify({ format: 1, ...progress })}\n`);
  renameSync(`${path}.new`, path);
}
