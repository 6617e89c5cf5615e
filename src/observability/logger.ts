// Structured logs of a server. Documents are named, their content never is; tokens are never in reach.
import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger };

/** Levels of `--log`. */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;

/** One line of JSON for each entry, to standard error. */
export function makeLogger(level: (typeof LOG_LEVELS)[number], destination?: DestinationStream): Logger {
  return pino({ level, base: null }, destination ?? pino.destination({ dest: 2, sync: true }));
}
