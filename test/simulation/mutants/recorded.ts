// By which seed each mutant was caught: so that tests need not look for one. `npm run simulate -- --mutants --record`
// writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

const FILE = new URL("./caught-by.json", import.meta.url);
const CaughtBy = z.record(z.string(), z.number());

/** Seeds by the names of mutants. */
export type CaughtBy = Readonly<Record<string, number>>;

/** What was recorded last. */
export const readCaughtBy = (): CaughtBy => CaughtBy.parse(JSON.parse(readFileSync(FILE, "utf8")));

/** Replaces it. */
export const writeCaughtBy = (caughtBy: CaughtBy): void =>
  writeFileSync(FILE, `${JSON.stringify(caughtBy, undefined, 2)}\n`);
