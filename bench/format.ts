// How figures are written, on the terminal, in tables and in pages alike. It computes nothing but medians.
import type { CurveRecord, ScenarioRecord } from "./record.js";
import type { Goal } from "./scenario.js";
import { isSaturated, judge, type Spread, spreadOf, type Verdict } from "./verdict.js";

/** A number with three or four significant digits and thousands separators. */
export function formatFigure(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** One scenario with at least one pair, in words. */
export interface WrittenScenario {
  readonly subject: string;
  readonly peer: string;
  readonly ratio: string;
  /** As in "0.62-0.68". */
  readonly range: string;
  /** Empty where it means nothing. */
  readonly byCpu: string;
  readonly wanted: string;
  readonly verdict: string;
}

export function writeScenario({ goal, pairs }: ScenarioRecord): WrittenScenario {
  const verdict = judge(goal, pairs);
  return {
    subject: formatFigure(verdict.subject.median),
    peer: formatFigure(verdict.peer.median),
    ratio: formatFigure(verdict.ratio.median),
    range: formatRange(verdict.ratio),
    byCpu: verdict.ratioByCpu === undefined ? "" : formatFigure(verdict.ratioByCpu),
    wanted: formatGoal(goal),
    verdict: formatVerdict(verdict),
  };
}

/** Medians of a curve: a row for each x, behind it a cell for each series; empty where nothing was measured. */
export function writeCurve({ x, points }: CurveRecord): {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const names = [...new Set(points.map(({ series }) => series))];
  const xs = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const cell = (at: number, name: string): string => {
    const here = points.filter((point) => point.x === at && point.series === name);
    const runs = here.flatMap(({ figures }) => (figures === null ? [] : [figures]));
    if (runs.length === 0) return "";
    const median = formatFigure(spreadOf(runs.map(({ value }) => value)).median);
    return runs.some(isSaturated) ? `${median} (load saturated)` : median;
  };
  const rows = xs.map((at) => [at.toLocaleString("en-US"), ...names.map((name) => cell(at, name))]);
  return { header: [x.unit === undefined ? x.label : `${x.label} (${x.unit})`, ...names], rows };
}

function formatGoal(goal: Goal | undefined): string {
  if (goal === undefined) return "";
  return "atLeast" in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}

function formatRange({ min, max }: Spread): string {
  return `${formatFigure(min)}-${formatFigure(max)}`;
}

/** In a word or two, with what speaks against it. */
function formatVerdict({ met, saturated }: Verdict): string {
  const word = met === undefined ? "" : met ? "met" : "NOT MET";
  const sides = [saturated.subject ? "subject" : "", saturated.peer ? "peer" : ""].filter(Boolean);
  return sides.length === 0 ? word : `${word} (load saturated by the ${sides.join(" and the ")})`.trimStart();
}
