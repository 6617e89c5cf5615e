// Finds a small part of a failing schedule that still fails: delta debugging over its numbered list.

import type { Scenario } from "../scenario.js";
import type { RunOptions } from "../simulation.js";
import { simulate } from "../simulation.js";
import { keeping, lengthOf } from "./schedule.js";

/** Runs that a search may take. */
const TRIES_MAX = 600;

/** What was found. */
export interface Shrunk {
  readonly kept: readonly number[];
  readonly tries: number;
}

/** The numbers of a schedule without which it would not break this rule any more, or nearly: the search gives up after a
 * number of tries. What is left always breaks it. */
export async function shrink(scenario: Scenario, rule: string, options: RunOptions = {}): Promise<Shrunk> {
  let tries = 0;
  const fails = async (kept: readonly number[]): Promise<boolean> => {
    tries += 1;
    const { problems } = await simulate(keeping(scenario, kept), { ...options, trace: false });
    return problems.some((problem) => problem.rule === rule);
  };
  let kept = Array.from({ length: lengthOf(scenario) }, (_, index) => index);
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let again = true; again; ) {
      const smaller = await without(kept, size, async (left) => tries < TRIES_MAX && fails(left));
      again = size === 1 && smaller.length < kept.length;
      kept = smaller;
    }
  }
  return { kept, tries };
}

/** Leaves out pieces of a size, the last one first: what comes late depends on what came early. */
async function without(
  kept: number[],
  size: number,
  stillFails: (left: readonly number[]) => Promise<boolean>,
): Promise<number[]> {
  let left = kept;
  for (let end = left.length; end > 0; end -= size) {
    const start = Math.max(0, end - size);
    const shorter = [...left.slice(0, start), ...left.slice(end)];
    if (shorter.length < left.length && (await stillFails(shorter))) left = shorter;
  }
  return left;
}
