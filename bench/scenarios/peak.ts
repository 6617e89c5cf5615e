// The most that a server does: a closed loop, begun again when it was refused anything.
import { LoadFailure, type LoadShape, type MeasuredLoad } from "../load.js";
import type { RunLength } from "../scenario.js";
import { loadAgainst, tidemark } from "../servers.js";

/** A disk that pauses for a third of a second has calls refused, and a closed loop takes no refusals. */
const ATTEMPTS = 3;

/** Runs the load until nothing was refused. Rejects after three attempts, or when anything else was wrong. */
export async function peakOf(shape: LoadShape, length: RunLength): Promise<MeasuredLoad> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await loadAgainst(tidemark, shape, length);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof LoadFailure && error.message.includes("overloaded"))) throw error;
    }
  }
}
