// One way in which a history can be wrong.
import type { DraftHistory } from "./draft.js";

/** A lie about a run that went well. */
export interface Corruption {
  readonly name: string;
  /** Under which the judge must find it. */
  readonly rule: string;
  /** Throws PoorHistoryError when the history has nothing of the kind. */
  readonly corrupt: (history: DraftHistory) => void;
}
