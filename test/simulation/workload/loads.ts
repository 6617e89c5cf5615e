// What is loaded so that a slow reader has something to be slow with: more than may wait for it, while it takes nothing;
// and once before, so that whoever comes back is given a large snapshot.
import { BALLAST } from "../app/ballast.js";
import type { FaultEvent } from "../faults/fault.js";
import { type Deed, PATIENT_MS, type TimedDeed } from "./deeds.js";

const LOADS = 7;
/** Thousands of characters: together they are more than a MiB. */
const WEIGHT = 190;
const CRATES = 3;
const BEFORE_MS = 300;

/** The loads around each fault of a slow reader. */
export function planLoads(faults: readonly FaultEvent[], slots: number): readonly TimedDeed[] {
  return faults
    .filter(({ name }) => name === "slowReader")
    .flatMap(({ atMs, forMs, slot }) => {
      const other = (slot + 1) % slots;
      const loads = Array.from({ length: LOADS }, (_, index) => load(atMs + (forMs * index) / LOADS / 2, other, index));
      return [load(atMs - BEFORE_MS, other, LOADS), ...loads, mark(atMs + forMs * 0.8, slot)];
    });
}

function load(atMs: number, slot: number, index: number): TimedDeed {
  return { atMs, slot, deed: call("load", { crate: `crate-${index % CRATES}`, weight: WEIGHT }) };
}

const mark = (atMs: number, slot: number): TimedDeed => ({ atMs, slot, deed: call("mark", {}) });

const call = (name: string, input: Extract<Deed, { kind: "call" }>["input"]): Deed => ({
  kind: "call",
  documentId: BALLAST,
  name,
  input,
  deadlineMs: PATIENT_MS,
});
