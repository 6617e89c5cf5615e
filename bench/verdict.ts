// What recorded pairs came to: medians, spread, and whether the goal is met. It computes from figures alone, so that a
// table, a page and the guard say the same of one file.
import type { Figures, Goal } from "./scenario.js";

/** One run of each side, back to back. */
export interface Pair {
  readonly subject: Figures;
  readonly peer: Figures;
}

/** What all pairs of one scenario came to. */
export interface Verdict {
  readonly subject: Spread;
  readonly peer: Spread;
  readonly ratio: Spread;
  /** Ratio of the work done per second of server CPU; undefined where it means nothing. */
  readonly ratioByCpu: number | undefined;
  /** Undefined where there is no goal. */
  readonly met: boolean | undefined;
  /** The load used more than 0.9 of its core in the subject's runs, or the peer's: that side may be faster than it looks. */
  readonly saturated: { readonly subject: boolean; readonly peer: boolean };
}

/** Of several runs. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const SATURATED = 0.9;

/** Whether it was the load that was measured. */
export const isSaturated = ({ loadCpu = 0 }: Figures): boolean => loadCpu > SATURATED;

/** Of at least one pair. */
export function judge(goal: Goal | undefined, pairs: readonly Pair[]): Verdict {
  const ratio = spreadOf(pairs.map(({ subject, peer }) => subject.value / peer.value));
  const byCpu = pairs.flatMap(({ subject, peer }) =>
    subject.perCpuSecond === undefined || peer.perCpuSecond === undefined
      ? []
      : [subject.perCpuSecond / peer.perCpuSecond],
  );
  const someSaturated = (side: keyof Pair): boolean => pairs.some((pair) => isSaturated(pair[side]));
  return {
    subject: spreadOf(pairs.map((pair) => pair.subject.value)),
    peer: spreadOf(pairs.map((pair) => pair.peer.value)),
    ratio,
    ratioByCpu: byCpu.length === 0 ? undefined : median(byCpu),
    met: goal === undefined ? undefined : isMet(goal, ratio.median),
    saturated: { subject: someSaturated("subject"), peer: someSaturated("peer") },
  };
}

function isMet(goal: Goal, ratio: number): boolean {
  return "atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
