// What some dialogues need and not every run has, and how a run says what it left out.
import type { Outcome } from "./outcome.js";

/** `people`: tokens of several people. `patience`: waits for the watchdog. `minute`: takes the seconds that its rule
 * names. `restart`: the server is stopped and started. */
export const NEEDS = ["people", "patience", "minute", "restart"] as const;
/** One of them. */
export type Need = (typeof NEEDS)[number];

const WHY: { readonly [need in Need]: string } = {
  people: "it needs a token for each of several people: --token with {name} in it",
  patience: "it waits for the watchdog: --patient",
  minute: "it takes the seconds that its rule names: --patient",
  restart: "it stops and starts the server, which can be done to our own only",
};

/** The outcome of a dialogue that cannot be run with what there is; undefined: it can. */
export function leftOut(needs: readonly Need[], has: readonly Need[]): Outcome | undefined {
  const missing = needs.find((need) => !has.includes(need));
  return missing === undefined ? undefined : { kind: "skipped", reason: WHY[missing] };
}
