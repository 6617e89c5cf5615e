// What the test files share that run seeds: a block of them in a test file, in pieces, so that two workers can share the
// work and a failure names its seed.
import { expect, it } from "vitest";
import { failureOf, shrunkOf } from "./command/report-failure.js";
import { add, noTotals } from "./command/totals.js";
import { FAULT_NAMES } from "./faults/fault.js";
import { scenarioOf } from "./scenario.js";
import { simulate } from "./simulation.js";

const PIECE = 100;
/** A failure is shrunk before it is reported. */
const TIMEOUT_MS = 240_000;
/** What a seed may cost, in events: nobody's clock decides whether a test fails. On the machine of 2026 that this was
 * written on, it is about 50 ms. What goes between an edge and its owner, beats included, is a third of them. */
const EVENTS_MEAN_MAX = 4_500;

/** Declares the tests of `count` seeds. */
export function declareSeeds(from: number, count: number): void {
  const totals = noTotals();
  for (let first = from; first < from + count; first += PIECE) {
    const last = Math.min(first + PIECE, from + count) - 1;
    it(`seeds ${first} to ${last} are clean`, { timeout: TIMEOUT_MS }, async () => {
      for (let seed = first; seed <= last; seed += 1) {
        const outcome = await simulate(scenarioOf(seed));
        add(totals, outcome, 0);
        if (outcome.problems.length > 0) throw new Error(`${failureOf(outcome)}\n${await shrunkOf(outcome)}`);
      }
    });
  }

  it("meanwhile every fault has happened, clients have healed, and no seed was made of too much", () => {
    expect(FAULT_NAMES.filter((name) => totals.faults[name] === 0)).toEqual([]);
    const { behind, gap } = totals.healed;
    expect(Math.min(behind, gap, totals.resets.slow_reader, ...Object.values(totals.streamed))).toBeGreaterThan(0);
    expect(totals.events / totals.seeds).toBeLessThan(EVENTS_MEAN_MAX);
  });
}
