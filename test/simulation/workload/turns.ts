// What is done while a client changes networks: the one story in which an old copy of a call can do harm. It is refused by
// the new connection, and could be taken when it comes late by the old one, because somebody else had a turn meanwhile.
import type { FaultEvent } from "../faults/fault.js";
import { PATIENT_MS, type TimedDeed } from "./deeds.js";

const DOCUMENT = "counter/a";

/** The turns around each change of networks. */
export function planTurns(faults: readonly FaultEvent[], slots: number): readonly TimedDeed[] {
  return faults
    .filter(({ name }) => name === "switchNetwork")
    .flatMap(({ atMs, forMs, slot }) => [
      turn(atMs, slot),
      turn(atMs, slot),
      turn(atMs + forMs * 0.8, (slot + 1) % slots),
    ]);
}

const turn = (atMs: number, slot: number): TimedDeed => ({
  atMs,
  slot,
  deed: { kind: "call", documentId: DOCUMENT, name: "turn", input: {}, deadlineMs: PATIENT_MS },
});
