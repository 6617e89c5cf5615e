// Runs one seed after the other and adds up what they came to. It prints nothing and keeps no clock of its own: whoever
// runs it is told of each seed.
import { type ScenarioOptions, scenarioOf } from "../scenario.js";
import { type Outcome, simulate } from "../simulation.js";
import { add, noTotals, type Totals } from "./totals.js";

/** What a campaign is made of. */
export interface CampaignParts {
  readonly from: number;
  readonly seeds: number;
  readonly options?: ScenarioOptions;
  /** Where to go on from, if it has begun. */
  readonly begun?: { readonly next: number; readonly totals: Totals };
  /** Milliseconds of any clock that measures what a seed costs. */
  readonly nowMs: () => number;
  /** A seed was run. True: that is enough for now. */
  readonly ran: (outcome: Outcome, campaign: { readonly next: number; readonly totals: Totals }) => Promise<boolean>;
}

/** All seeds of `[from, from + seeds)`, or as many as were wanted. */
export async function runCampaign({ from, seeds, options, begun, nowMs, ran }: CampaignParts): Promise<Totals> {
  const totals = begun?.totals ?? noTotals();
  for (let seed = begun?.next ?? from; seed < from + seeds; seed += 1) {
    const beganMs = nowMs();
    const outcome = await simulate(scenarioOf(seed, options));
    add(totals, outcome, nowMs() - beganMs);
    if (await ran(outcome, { next: seed + 1, totals })) break;
  }
  return totals;
}

/** Seeds that tell one state of the code from another. */
const TELLING_SEEDS = 5;

/** Differs when seeds mean other runs than before. */
export async function fingerprintOf(options?: ScenarioOptions): Promise<string> {
  const hashes: string[] = [];
  for (let seed = 1; seed <= TELLING_SEEDS; seed += 1) hashes.push((await simulate(scenarioOf(seed, options))).hash);
  return hashes.join("");
}
