// Whether a change made the server slower: four ratios beside those that were recorded. A ratio is clearly worse when none
// of its pairs comes near the recorded one: a noisy neighbour spoils a pair, a slower server all of them.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { formatFigure, writeScenario } from "./format.js";
import { machineLine } from "./machine-line.js";
import type { BenchRecord, ScenarioRecord } from "./record.js";
import type { Goal } from "./scenario.js";
import { judge } from "./verdict.js";

const PATH = fileURLToPath(new URL("guard.json", import.meta.url));
/** How far below the recorded median, or above, the best pair may be. */
const TOLERANCE = 0.15;

/** What was recorded. */
export interface GuardRecord {
  readonly commit: string;
  readonly machine: string;
  /** Share of the recorded ratio that the best pair may be worse by. */
  readonly tolerance: number;
  readonly ratios: { readonly [id: string]: number };
}

/** Writes what later runs are compared with; where. */
export function recordGuard(record: BenchRecord, path = PATH): string {
  const ratios = record.scenarios.map(({ id, goal, pairs }) => [id, round(judge(goal, pairs).ratio.median)]);
  const guard: GuardRecord = {
    commit: record.commit.id,
    machine: machineLine(record.machine),
    tolerance: TOLERANCE,
    ratios: Object.fromEntries(ratios),
  };
  writeFileSync(path, `${JSON.stringify(guard, null, 2)}\n`);
  return path;
}

/** One line for each ratio; true when none is clearly worse. Throws when nothing was recorded. */
export function compareWithGuard(record: BenchRecord, print: (line: string) => void, path = PATH): boolean {
  if (!existsSync(path)) throw new Error(`nothing to compare with: npm run bench -- --guard --record writes ${path}`);
  const guard: GuardRecord = JSON.parse(readFileSync(path, "utf8"));
  print(`\nbeside ${guard.commit}; clearly worse is a best pair more than ${guard.tolerance * 100}% behind`);
  if (guard.machine !== machineLine(record.machine)) print(`that was on another machine: ${guard.machine}`);
  const worse = record.scenarios.filter((scenario) => !passes(scenario, guard, print));
  if (worse.length > 0)
    print("Look for what is slower, or record anew with a reason: npm run bench -- --guard --record");
  return worse.length === 0;
}

function passes(scenario: ScenarioRecord, guard: GuardRecord, print: (line: string) => void): boolean {
  const { id, goal, pairs } = scenario;
  const recorded = guard.ratios[id];
  if (recorded === undefined || goal === undefined) {
    print(`${id.padEnd(10)} was not recorded`);
    return false;
  }
  const { ratio, range } = writeScenario(scenario);
  const worse = isClearlyWorse(
    goal,
    pairs.map(({ subject, peer }) => subject.value / peer.value),
    { recorded, ...guard },
  );
  const now = `${ratio} (${range})`;
  print(`${id.padEnd(10)} ${now.padEnd(22)} recorded ${formatFigure(recorded)}${worse ? "  CLEARLY WORSE" : ""}`);
  return !worse;
}

/** Of the ratios of a scenario's pairs. */
export function isClearlyWorse(
  goal: Goal,
  ratios: readonly number[],
  { recorded, tolerance }: { readonly recorded: number; readonly tolerance: number },
): boolean {
  if ("atLeast" in goal) return Math.max(...ratios) < recorded * (1 - tolerance);
  return Math.min(...ratios) > recorded * (1 + tolerance);
}

function round(ratio: number): number {
  return Number(ratio.toPrecision(3));
}
