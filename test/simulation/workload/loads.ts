// What is done while a reader is slow, so that it has something to be slow with: by others what it is not sent meanwhile,
// and by itself what is answered only afterwards. Where bytes weigh what they weigh it is a document of its own, loaded
// once before, so that whoever comes back is given a large snapshot.
import { BALLAST } from "../app/ballast.js";
import type { FaultEvent } from "../faults/fault.js";
import { type Deed, PATIENT_MS, type TimedDeed } from "./deeds.js";

const LOADS = 7;
/** Thousands of characters: together they are more than a MiB. */
const WEIGHT = 190;
const CRATES = 3;
const BEFORE_MS = 300;
const LIGHT_ROUNDS = 4;

/** The loads around each fault of a slow reader. */
export function planLoads(faults: readonly FaultEvent[], slots: number): readonly TimedDeed[] {
  return faults.flatMap((fault) => {
    const other = (fault.slot + 1) % slots;
    if (fault.name === "slowReader") return lightLoads(fault, other);
    return fault.name === "heavyLoad" ? heavyLoads(fault, other) : [];
  });
}

/** The last of them its own: their answers wait for what it is not sent (SLOW-3). */
function lightLoads({ atMs, forMs, slot }: FaultEvent, other: number): readonly TimedDeed[] {
  return Array.from({ length: LIGHT_ROUNDS * LIGHT.length }, (_, index) => {
    const round = Math.floor(index / LIGHT.length);
    return {
      atMs: atMs + (forMs / 2) * ((round + 1) / LIGHT_ROUNDS),
      slot: round === LIGHT_ROUNDS - 1 ? slot : other,
      deed: LIGHT[index % LIGHT.length] ?? markBallast,
    };
  });
}

function heavyLoads({ atMs, forMs, slot }: FaultEvent, other: number): readonly TimedDeed[] {
  const loads = Array.from({ length: LOADS }, (_, index) => load(atMs + (forMs * index) / LOADS / 2, other, index));
  return [load(atMs - BEFORE_MS, other, LOADS), ...loads, { atMs: atMs + forMs * 0.8, slot, deed: markBallast }];
}

function load(atMs: number, slot: number, index: number): TimedDeed {
  return { atMs, slot, deed: call(BALLAST, "load", { crate: `crate-${index % CRATES}`, weight: WEIGHT }) };
}

function call(documentId: string, name: string, input: Extract<Deed, { kind: "call" }>["input"]): Deed {
  return { kind: "call", documentId, name, input, deadlineMs: PATIENT_MS };
}

const markBallast = call(BALLAST, "mark", {});
const LIGHT = [call("counter/b", "add", { by: 1 }), call("board/a", "put", { index: 0 }), call("table/a", "next", {})];
