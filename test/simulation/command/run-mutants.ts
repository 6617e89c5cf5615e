// `--mutants`: plants each bug in turn and looks for a seed that shows it.

import { hunt } from "../mutants/mutants.js";
import type { Mutant } from "../mutants/mutation.js";
import { readCaughtBy, writeCaughtBy } from "../mutants/recorded.js";
import { ProgressLine } from "./console.js";

/** What `--mutants` was given. */
export interface MutantsOptions {
  readonly mutants: readonly Mutant[];
  /** So many are run before a mutant counts as not caught. */
  readonly seeds: number;
  /** Keep the seeds that were found, for the tests. */
  readonly record: boolean;
}

/** Resolves with whether each of them was caught. */
export async function runMutants({ mutants, seeds, record }: MutantsOptions): Promise<boolean> {
  const line = new ProgressLine();
  const width = Math.max(...mutants.map(({ name }) => name.length)) + 2;
  const found: Record<string, number> = {};
  for (const [index, mutant] of mutants.entries()) {
    line.show(index, mutants.length, mutant.name);
    const caught = await hunt(mutant, { seeds });
    if (caught !== undefined) found[mutant.name] = caught.seed;
    const verdict = caught === undefined ? `SURVIVES ${seeds} seeds` : `seed ${caught.seed} by ${caught.rule}`;
    line.print(`${mutant.name.padEnd(width)}${verdict.padEnd(22)}${mutant.about}`);
  }
  const survivors = mutants.length - Object.keys(found).length;
  line.print(`${mutants.length} mutants, ${survivors === 0 ? "all caught" : `${survivors} not caught`}`);
  if (record) writeCaughtBy({ ...readCaughtBy(), ...found });
  return survivors === 0;
}
