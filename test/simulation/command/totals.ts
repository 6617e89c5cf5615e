// What many runs came to, added up. Plain data: it is kept in a file between two parts of one campaign.
import type { StreamStats } from "../../../clients/typescript/src/api/stats.js";
import { type FaultCounts, noFaults } from "../faults/fault.js";
import { NO_COUNTS, type Streamed, sumOf } from "../history/counts.js";
import type { Outcome } from "../simulation.js";

/** A run that failed. */
export interface Failure {
  readonly seed: number;
  readonly rule: string;
  readonly text: string;
}

/** Sums over runs. */
export interface Totals {
  seeds: number;
  /** What the runs took of a processor. */
  spentMs: number;
  slowest: { readonly seed: number; readonly ms: number };
  virtualMs: number;
  events: number;
  rows: number;
  streamed: Streamed;
  adopted: number;
  healed: StreamStats["healed"];
  resets: StreamStats["resets"];
  faults: FaultCounts;
  readonly failures: Failure[];
}

/** No run yet. */
export const noTotals = (): Totals => ({
  seeds: 0,
  spentMs: 0,
  slowest: { seed: 0, ms: 0 },
  virtualMs: 0,
  events: 0,
  rows: 0,
  ...NO_COUNTS,
  faults: noFaults(),
  failures: [],
});

/** Adds a run that took so long. */
export function add(totals: Totals, outcome: Outcome, ms: number): void {
  totals.seeds += 1;
  totals.spentMs += ms;
  if (ms > totals.slowest.ms) totals.slowest = { seed: outcome.seed, ms };
  totals.virtualMs += outcome.virtualMs;
  totals.events += outcome.events;
  totals.rows += outcome.rows;
  totals.streamed = sumOf(totals.streamed, outcome.streamed);
  totals.adopted += outcome.adopted;
  totals.healed = sumOf(totals.healed, outcome.healed);
  totals.resets = sumOf(totals.resets, outcome.resets);
  totals.faults = sumOf(totals.faults, outcome.faults);
  const [problem] = outcome.problems;
  if (problem !== undefined) totals.failures.push({ seed: outcome.seed, ...problem });
}
