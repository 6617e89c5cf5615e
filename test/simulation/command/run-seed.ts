// `--seed`: one run again, whole or in part, with its trace if wanted.
import type { Mutant } from "../mutants/mutation.js";
import { type ScenarioOptions, scenarioOf } from "../scenario.js";
import { simulate } from "../simulation.js";
import { cpuMs } from "./console.js";
import { describeProblems } from "./report-failure.js";
import { keeping } from "./schedule.js";
import { summaryOf } from "./summary.js";
import { add, noTotals } from "./totals.js";

/** What `--seed` was given. */
export interface SeedOptions {
  readonly seed: number;
  readonly scenario: ScenarioOptions;
  readonly keep: readonly number[] | undefined;
  readonly trace: boolean;
  /** A bug to run it with. */
  readonly plant: Mutant | undefined;
}

/** Resolves with whether it is clean. Throws RangeError for a number that the seed's schedule does not have. */
export async function runSeed({ seed, scenario: options, keep, trace, plant }: SeedOptions): Promise<boolean> {
  const whole = scenarioOf(seed, options);
  const scenario = keep === undefined ? whole : keeping(whole, keep);
  const mutation = plant?.mutation();
  const beganMs = cpuMs();
  const outcome = await simulate(scenario, { trace, ...(mutation === undefined ? {} : { mutation }) });
  const totals = noTotals();
  add(totals, outcome, cpuMs() - beganMs);
  for (const line of outcome.lines) console.log(line);
  console.log(summaryOf(totals));
  console.log(`trace ${outcome.hash}`);
  for (const line of describeProblems(outcome)) console.log(line);
  return outcome.problems.length === 0;
}
