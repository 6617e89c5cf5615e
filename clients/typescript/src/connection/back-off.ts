// How long to wait before trying again: full jitter, so that clients cut at once do not come back at once.
import { LIMITS } from "@tidemark/protocol";

/** Milliseconds to wait after so many failures in a row (0: the first), for a uniform `random` in [0, 1). */
export function backOffMs(failures: number, random: number): number {
  return random * Math.min(LIMITS.backoffCapMs, LIMITS.backoffBaseMs * 2 ** Math.min(failures, 16));
}
