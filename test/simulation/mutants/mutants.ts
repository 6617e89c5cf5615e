// Every planted bug, and the search for a seed that shows it.
import { scenarioOf } from "../scenario.js";
import { simulate } from "../simulation.js";
import { CHANNEL_MUTANTS } from "./channel-mutants.js";
import { CLIENT_MUTANTS } from "./client-mutants.js";
import { COMPANY_MUTANTS } from "./company-mutants.js";
import { DOCUMENT_MUTANTS } from "./document-mutants.js";
import { EDGE_MUTANTS } from "./edge-mutants.js";
import { FLOW_MUTANTS } from "./flow-mutants.js";
import type { Mutant } from "./mutation.js";
import { PACE_MUTANTS } from "./pace-mutants.js";
import { REQUEST_MUTANTS } from "./request-mutants.js";
import { STORE_MUTANTS } from "./store-mutants.js";
import { STREAM_MUTANTS } from "./stream-mutants.js";
import { VIEW_MUTANTS } from "./view-mutants.js";

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  ...STORE_MUTANTS,
  ...REQUEST_MUTANTS,
  ...DOCUMENT_MUTANTS,
  ...VIEW_MUTANTS,
  ...STREAM_MUTANTS,
  ...FLOW_MUTANTS,
  ...PACE_MUTANTS,
  ...CHANNEL_MUTANTS,
  ...CLIENT_MUTANTS,
  ...COMPANY_MUTANTS,
  ...EDGE_MUTANTS,
];

/** The seed by which a mutant was caught, and what was said of it. */
export interface Catch {
  readonly seed: number;
  readonly rule: string;
  readonly text: string;
}

/** Runs seeds from `from` on until the mutant is caught; undefined: none of `seeds` runs shows it. */
export async function hunt(mutant: Mutant, { from = 1, seeds = 500 } = {}): Promise<Catch | undefined> {
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { problems } = await simulate(scenarioOf(seed), { plant: mutant });
    const [problem] = problems;
    if (problem !== undefined) return { seed, ...problem };
  }
  return undefined;
}
