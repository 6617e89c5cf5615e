// The schedule of a scenario as a numbered list, faults first, then deeds: so that a part of it can be named, kept, and
// run by itself. The numbers are the seed's: they mean the same whatever else is left out.
import type { FaultEvent } from "../faults/fault.js";
import type { Scenario } from "../scenario.js";
import type { TimedDeed } from "../workload/deeds.js";

/** How many faults and deeds there are. */
export const lengthOf = ({ faults, deeds }: Scenario): number => faults.length + deeds.length;

/** The same scenario with these only. Throws RangeError for a number that it does not have. */
export function keeping(scenario: Scenario, kept: readonly number[]): Scenario {
  const wanted = new Set(kept);
  const length = lengthOf(scenario);
  for (const number of kept) {
    if (number >= length)
      throw new RangeError(`seed ${scenario.seed} has no ${number}: its schedule ends at ${length - 1}`);
  }
  const { faults, deeds } = scenario;
  return {
    ...scenario,
    faults: faults.filter((_, index) => wanted.has(index)),
    deeds: deeds.filter((_, index) => wanted.has(faults.length + index)),
  };
}

/** `3,7,9-14`, or `none`. */
export function formatKept(kept: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of [...kept].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && number === range[1] + 1) range[1] = number;
    else ranges.push([number, number]);
  }
  if (ranges.length === 0) return "none";
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

const RANGE = /^(\d{1,6})(?:-(\d{1,6}))?$/;

/** What `formatKept` writes. Throws RangeError for anything else. */
export function parseKept(text: string): readonly number[] {
  if (text.trim() === "none") return [];
  return text.split(",").flatMap((part) => {
    const [, first, last = first] = RANGE.exec(part.trim()) ?? [];
    const count = Number(last) - Number(first) + 1;
    if (!(count >= 1)) throw new RangeError(`"${part.trim()}" is neither a number nor a range`);
    return Array.from({ length: count }, (_, index) => Number(first) + index);
  });
}

/** One line for each of them, in order of time. */
export function describeKept({ faults, deeds, slots }: Scenario, kept: readonly number[]): readonly string[] {
  const who = (slot: number): string => slots[slot]?.name ?? `client ${slot}`;
  const lines = kept.map((number): { readonly atMs: number; readonly text: string } => {
    const fault = faults[number];
    const timed = deeds[number - faults.length];
    if (fault !== undefined) return { atMs: fault.atMs, text: `${number}  fault ${describeFault(fault, who)}` };
    return { atMs: timed?.atMs ?? 0, text: timed === undefined ? "" : `${number}  ${describeDeed(timed, who)}` };
  });
  return lines.sort((a, b) => a.atMs - b.atMs).map(({ atMs, text }) => `${atMs.toFixed(0).padStart(9)} ms  ${text}`);
}

function describeFault({ name, slot, forMs }: FaultEvent, who: (slot: number) => string): string {
  return `${name} (${who(slot)}${forMs > 0 ? `, ${forMs.toFixed(0)} ms` : ""})`;
}

function describeDeed({ slot, deed }: TimedDeed, who: (slot: number) => string): string {
  const what = "name" in deed ? `${deed.kind}s ${deed.name} of` : `${deed.kind}s`;
  return `${who(slot)} ${what} ${deed.documentId}`;
}
