// A seed that failed, for a person: what is wrong, the smallest schedule that was found to show it, and the commands that
// repeat both.
import { type ScenarioOptions, scenarioOf } from "../scenario.js";
import type { Outcome } from "../simulation.js";
import { describeKept, formatKept, lengthOf } from "./schedule.js";
import { shrink } from "./shrink.js";

const PROBLEMS_SHOWN = 5;

/** What a failure is repeated with. */
export interface FailureOptions {
  readonly scenario: ScenarioOptions;
  readonly flags: string;
  readonly isShrunk: boolean;
}

/** Prints it. */
export async function reportFailure(outcome: Outcome, options: FailureOptions): Promise<void> {
  const { seed, problems } = outcome;
  const command = `npm run simulate -- --seed ${seed}${options.flags}`;
  console.log(`\nseed ${seed} failed: ${problems.length} problems`);
  console.log(describeProblems(outcome).join("\n"));
  console.log(`replay:  ${command}`);
  const [problem] = problems;
  if (!options.isShrunk || problem === undefined) return;
  const scenario = scenarioOf(seed, options.scenario);
  const { kept } = await shrink(scenario, problem.rule);
  console.log(`${problem.rule} needs ${kept.length} of ${lengthOf(scenario)} faults and deeds:`);
  for (const line of describeKept(scenario, kept)) console.log(`  ${line}`);
  console.log(`replay:  ${command} --keep ${formatKept(kept)}`);
}

/** The first of its problems, a line each. */
export function describeProblems({ problems }: Outcome): readonly string[] {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map(({ rule, text }) => `  ${rule}  ${text}`);
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}
