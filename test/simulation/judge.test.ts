// The judge is judged: runs without faults are clean, and each lie about one is found, under the rule it breaks.
import { describe, expect, it } from "vitest";
import { judge } from "./checks/judge.js";
import { ANSWER_CORRUPTIONS } from "./corruptions/answer-corruptions.js";
import { COMPANY_CORRUPTIONS } from "./corruptions/company-corruptions.js";
import type { Corruption } from "./corruptions/corruption.js";
import { type DraftHistory, draftOf, PoorHistoryError } from "./corruptions/draft.js";
import { FOLLOWER_CORRUPTIONS } from "./corruptions/follower-corruptions.js";
import { LOG_CORRUPTIONS } from "./corruptions/log-corruptions.js";
import type { History } from "./history/history.js";
import { scenarioOf } from "./scenario.js";
import { simulate } from "./simulation.js";

const SEEDS_MAX = 40;
const known = new Map<number, History>();

/** What a seed does when nothing goes wrong. */
async function goodHistory(seed: number): Promise<History> {
  const found = known.get(seed) ?? (await simulate(scenarioOf(seed, { faults: [] }))).history;
  if (found === undefined) throw new Error("the run did not come to its end");
  known.set(seed, found);
  return found;
}

/** The first history that has what this lie is about, with the lie. */
async function corrupted({ corrupt }: Corruption): Promise<DraftHistory> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const draft = draftOf(await goodHistory(seed));
    try {
      corrupt(draft);
      return draft;
    } catch (error) {
      if (!(error instanceof PoorHistoryError)) throw error;
    }
  }
  throw new Error(`none of ${SEEDS_MAX} seeds has what this is about`);
}

describe("the judge", () => {
  it("has nothing to say of a run without faults, nor of a copy of its history", async () => {
    const history = await goodHistory(1);
    expect(judge(history)).toEqual([]);
    expect(judge(draftOf(history))).toEqual([]);
  });

  it.each([...LOG_CORRUPTIONS, ...ANSWER_CORRUPTIONS, ...FOLLOWER_CORRUPTIONS, ...COMPANY_CORRUPTIONS])(
    "finds that $name, under $rule",
    async (corruption) => {
      const problems = judge(await corrupted(corruption));
      expect(problems.map(({ rule }) => rule)).toContain(corruption.rule);
    },
  );
});
