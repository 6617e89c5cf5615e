// Planted bugs are caught. Looking for the seed that catches one takes long (`npm run simulate -- --mutants`): here each is
// run with the seed that was found.
import { describe, expect, it } from "vitest";
import { MUTANTS } from "./mutants/mutants.js";
import { readCaughtBy } from "./mutants/recorded.js";
import { scenarioOf } from "./scenario.js";
import { simulate } from "./simulation.js";

const MUTANTS_MIN = 20;
const SEEDS_MAX = 500;
const caughtBy = readCaughtBy();

describe("a planted bug", () => {
  it("has a name of its own and a seed among the first that catches it", () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(MUTANTS_MIN);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(Object.keys(caughtBy).sort()).toEqual(MUTANTS.map(({ name }) => name).sort());
    for (const seed of Object.values(caughtBy)) expect(seed).toBeLessThanOrEqual(SEEDS_MAX);
  });

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    "%s is caught by its seed; if it is not any more, record another by --mutants --record",
    async (name, mutant) => {
      const scenario = scenarioOf(caughtBy[name] ?? 1);
      const { problems } = await simulate(scenario, { plant: mutant });
      expect(problems).not.toEqual([]);
    },
  );

  it("leaves nothing behind: the product is clean with each of these seeds", async () => {
    for (const seed of new Set(Object.values(caughtBy))) {
      const { problems } = await simulate(scenarioOf(seed));
      expect(problems, `seed ${seed}`).toEqual([]);
    }
  });
});
