// The channels of a run, and who may do what there: it is in the tokens alone, since channels have no rules of their own.
// Eve has no right at all; who is gray may listen and not speak, until a token says another team.
import type { Grant } from "../../../src/index.js";

/** Is it a channel? */
export const isChannel = (documentId: string): boolean => documentId.startsWith("channel/");

/** May somebody follow channels? */
export const mayListen = (subject: string): boolean => subject !== "eve";

/** May somebody of this team publish? */
export const maySpeak = (subject: string, team: string): boolean => mayListen(subject) && team !== "gray";

/** What a token says of it. */
export function grantsOf(subject: string, team: string): readonly Grant[] {
  if (!mayListen(subject)) return [];
  return [{ doc: "channel/*", may: maySpeak(subject, team) ? ["open", "publish"] : ["open"] }];
}

/** So few messages are kept that whoever was away for long has missed some. */
export const CHANNELS = { "*": { history: { deltas: 6, days: 7 } } } as const;
