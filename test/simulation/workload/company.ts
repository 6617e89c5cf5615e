// What people show to each other and say in passing, in some of the runs: who is there is of no consequence for documents,
// so most runs do without it.
import { COMPANY_DOCUMENTS } from "../app/company.js";
import type { Chance } from "../world/chance.js";
import type { TimedDeed } from "./deeds.js";

/** What it is drawn from. */
export interface CompanyPlan {
  readonly slots: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Of the runs. */
export const COMPANY_SHARE = 0.25;

/** Deeds in the order in which they were drawn. */
export function planCompany({ slots, fromMs, untilMs }: CompanyPlan, chance: Chance): readonly TimedDeed[] {
  return Array.from({ length: 15 + chance.below(25) }, () => {
    const atMs = chance.between(fromMs, untilMs);
    const slot = chance.below(slots);
    const documentId = chance.pick(COMPANY_DOCUMENTS);
    const choice = chance.next();
    const kind = choice < 0.5 ? "wave" : choice < 0.85 ? "show" : "hide";
    return { atMs, slot, deed: { kind, documentId } };
  });
}
