// A seed that failed, for a person: what is wrong, the smallest schedule that was found to show it, and the commands that
// repeat both.
import { type ScenarioOptions, scenarioOf } from "../scenario.js";
import type { Outcome, RunOptions } from "../simulation.js";
import { describeKept, formatKept, lengthOf } from "./schedule.js";
import { shrink } from "./shrink.js";

const PROBLEMS_SHOWN = 5;

/** What a failure was had with, and is repeated with. */
export interface FailureOptions {
  readonly scenario?: ScenarioOptions;
  readonly run?: RunOptions;
  /** What the command is given besides the seed. */
  readonly flags?: string;
}

/** What is wrong, and the command that repeats it. */
export function failureOf(outcome: Outcome, { flags = "" }: FailureOptions = {}): string {
  const { seed, problems } = outcome;
  return [
    `seed ${seed} failed: ${problems.length} problems`,
    ...describeProblems(outcome),
    `replay: ${commandFor(seed, flags)}`,
  ].join("\n");
}

/** The smallest schedule that was found, and the command that repeats it; empty for a run without problems. */
export async function shrunkOf({ seed, problems }: Outcome, options: FailureOptions = {}): Promise<string> {
  const [problem] = problems;
  if (problem === undefined) return "";
  const scenario = scenarioOf(seed, options.scenario);
  const { kept } = await shrink(scenario, problem.rule, options.run);
  return [
    `${problem.rule} needs ${kept.length} of ${lengthOf(scenario)} faults and deeds:`,
    ...describeKept(scenario, kept).map((line) => `  ${line}`),
    `replay: ${commandFor(seed, options.flags ?? "")} --keep ${formatKept(kept)}`,
  ].join("\n");
}

/** The first of its problems, a line each. */
export function describeProblems({ problems }: Outcome): readonly string[] {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(({ rule, text }) => `  ${rule}  ${text}`);
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}

const commandFor = (seed: number, flags: string): string => `npm run simulate -- --seed ${seed}${flags}`;
