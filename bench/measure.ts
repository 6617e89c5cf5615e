// The rules of measuring, in one place: sides take turns (A B A B), ratios are taken within a pair, and what counts is
// the median pair, since absolute figures drift while ratios of neighbours hold.
import type { Figures, RunLength, Scenario, Side } from "./scenario.js";

/** One run of each side, back to back. */
export interface Pair {
  readonly subject: Figures;
  readonly peer: Figures;
}

/** What all pairs of one scenario came to. */
export interface Verdict {
  readonly scenario: Scenario;
  readonly pairs: readonly Pair[];
  readonly subject: number;
  readonly peer: number;
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** Ratio of the work done per second of server CPU; undefined where it means nothing. */
  readonly ratioByCpu: number | undefined;
  readonly met: boolean;
  /** The load used more than 0.9 of its core in the subject's runs: the subject may be faster than it looks. */
  readonly loadSaturated: boolean;
}

/** Hears of each run as it ends. */
export type Progress = (scenario: Scenario, side: Side, pair: number, figures: Figures) => void;

/** Runs all pairs of a scenario. Rejects as soon as one run is wrong. */
export async function measure(
  scenario: Scenario,
  options: RunLength & { readonly pairs: number },
  progress: Progress,
): Promise<Verdict> {
  const pairs: Pair[] = [];
  for (let i = 0; i < options.pairs; i++) {
    const subject = await scenario.subject.measure(options);
    progress(scenario, scenario.subject, i, subject);
    const peer = await scenario.peer.measure(options);
    progress(scenario, scenario.peer, i, peer);
    pairs.push({ subject, peer });
  }
  return judge(scenario, pairs);
}

function judge(scenario: Scenario, pairs: readonly Pair[]): Verdict {
  const ratios = pairs.map(({ subject, peer }) => subject.value / peer.value);
  const byCpu = pairs.flatMap(({ subject, peer }) =>
    subject.perCpuSecond === undefined || peer.perCpuSecond === undefined
      ? []
      : subject.perCpuSecond / peer.perCpuSecond,
  );
  const ratio = median(ratios);
  return {
    scenario,
    pairs,
    subject: median(pairs.map((pair) => pair.subject.value)),
    peer: median(pairs.map((pair) => pair.peer.value)),
    ratio,
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    ratioByCpu: byCpu.length === 0 ? undefined : median(byCpu),
    met: "atLeast" in scenario.goal ? ratio >= scenario.goal.atLeast : ratio <= scenario.goal.atMost,
    loadSaturated: pairs.some((pair) => (pair.subject.loadCpu ?? 0) > 0.9),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
