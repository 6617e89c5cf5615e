// `--seed`: one run again, whole or in part, with its trace if wanted.
import type { Mutant } from "../mutants/mutation.js";
import { type ScenarioOptions, scenarioOf } from "../scenario.js";
import { simulate } from "../simulation.js";
import { cpuMs } from "./console.js";
import { describeProblems, shrunkOf } from "./report-failure.js";
import { keeping } from "./schedule.js";
import { summaryOf } from "./summary.js";
import { add, noTotals } from "./totals.js";

/** What `--seed` was given. */
export interface SeedOptions {
  readonly seed: number;
  readonly scenario: ScenarioOptions;
  readonly keep: readonly number[] | undefined;
  readonly trace: boolean;
  /** Look for a small part of its schedule that fails as well. */
  readonly shrink: boolean;
  /** What else the command was given that makes the run. */
  readonly flags: string;
  /** A bug to run it with. */
  readonly plant: Mutant | undefined;
}

/** Resolves with whether it is clean. Throws RangeError for a number that the seed's schedule does not have. */
export async function runSeed({ seed, scenario: options, keep, trace, plant, ...more }: SeedOptions): Promise<boolean> {
  const whole = scenarioOf(seed, options);
  const scenario = keep === undefined ? whole : keeping(whole, keep);
  const beganMs = cpuMs();
  const run = plant === undefined ? {} : { plant };
  const outcome = await simulate(scenario, { ...run, trace });
  const totals = noTotals();
  add(totals, outcome, cpuMs() - beganMs);
  for (const line of outcome.lines) console.log(line);
  console.log(summaryOf(totals));
  console.log(`trace ${outcome.hash}`);
  for (const line of describeProblems(outcome)) console.log(line);
  if (more.shrink) console.log(await shrunkOf(outcome, { scenario: options, run, flags: more.flags }));
  return outcome.problems.length === 0;
}
