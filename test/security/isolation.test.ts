// Nobody learns of a document they may not read: 10,000 random policies, viewers and what they try, against a model.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Case, cases } from "./isolation/cases.js";
import { MUTANTS } from "./isolation/mutants.js";
import { type Mutant, play, Run } from "./isolation/world.js";

const CASES = 10_000;
const AT_ONCE = 250;
const SEED = Number(process.env.ISOLATION_SEED ?? Date.now() % 2 ** 31);

/** The cases that went wrong, and why. */
async function wrong(drawn: readonly Case[], mutant: Mutant = {}): Promise<readonly string[]> {
  const runs = drawn.map((one, number) => new Run(number, one));
  const transcripts = await play(runs, mutant);
  const hidden = runs.filter(({ model }) => !model.mayKnow);
  const shadows = hidden.map(({ number, case: one }) => new Run(number, one));
  const shadowed = hidden.length === 0 ? [] : await play(shadows, mutant, true);
  hidden.forEach((run, index) => {
    const same = transcripts[run.number] === shadowed[index];
    if (!same)
      run.faults.push(`differs from what is heard of nothing: ${transcripts[run.number]} and ${shadowed[index]}`);
  });
  return runs.flatMap(({ faults, case: one }) =>
    faults.length === 0 ? [] : [`${faults.join("; ")}\n  ${JSON.stringify(one)}`],
  );
}

/** Draws so many, and plays them until some go wrong. */
async function firstWrong(count: number, mutant: Mutant = {}): Promise<readonly string[]> {
  const drawn = fc.sample(cases, { seed: SEED, numRuns: count });
  for (let at = 0; at < count; at += AT_ONCE) {
    const found = await wrong(drawn.slice(at, at + AT_ONCE), mutant);
    if (found.length > 0) return found.slice(0, 3);
  }
  return [];
}

/** The same with a bug in place. */
async function firstCaught(mutant: Mutant): Promise<readonly string[]> {
  const mend = mutant.patch?.();
  try {
    return await firstWrong(CASES / 4, mutant);
  } finally {
    mend?.();
  }
}

describe("isolation", () => {
  it(`[S9] [S10] [R18] [ACCESS-1] [ACCESS-2] holds in ${CASES} random cases (ISOLATION_SEED=${SEED})`, async () => {
    expect(await firstWrong(CASES)).toEqual([]);
  });

  it.each(Object.entries(MUTANTS))("[R18] [ACCESS-1] is seen to be broken where %s", async (_what, mutant) => {
    expect(await firstCaught(mutant)).not.toEqual([]);
  });
});
