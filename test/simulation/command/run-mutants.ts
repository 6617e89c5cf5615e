// `--mutants`: plants each bug in turn and looks for a seed that shows it.

import { hunt } from "../mutants/mutants.js";
import type { Mutant } from "../mutants/mutation.js";
import { ProgressLine } from "./console.js";

/** Resolves with whether each of them was caught. */
export async function runMutants(mutants: readonly Mutant[], seeds: number): Promise<boolean> {
  const line = new ProgressLine();
  const width = Math.max(...mutants.map(({ name }) => name.length)) + 2;
  let survivors = 0;
  for (const [index, mutant] of mutants.entries()) {
    line.show(index, mutants.length, mutant.name);
    const caught = await hunt(mutant, { seeds });
    if (caught === undefined) survivors += 1;
    const verdict = caught === undefined ? `SURVIVES ${seeds} seeds` : `seed ${caught.seed} by ${caught.rule}`;
    line.print(`${mutant.name.padEnd(width)}${verdict.padEnd(22)}${mutant.about}`);
  }
  line.print(`${mutants.length} mutants, ${survivors === 0 ? "all caught" : `${survivors} not caught`}`);
  return survivors === 0;
}
