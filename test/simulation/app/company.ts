// What those who follow a document say to each other in runs that have it: who they are and what they did last, and waves
// that are told apart.
import { z } from "zod";

/** What somebody shows: which client it is, and how often it has shown something. */
export interface Shown {
  readonly who: string;
  readonly n: number;
}

/** What a type declares. */
export const company = {
  signals: { wave: z.object({ id: z.string() }) },
  presence: z.object({ who: z.string(), n: z.number() }),
};

/** Documents whose types have it. */
export const COMPANY_DOCUMENTS = ["vault/a", "table/a"] as const;
