// Reads the log for openings, once for all who ask from the same position at the same time: after a crash everybody
// comes back at once, and mostly from the same place. Of different positions so many are read at a time, since what is
// read is held in memory until it is sent.
import type { Turns } from "../runtime/turns.js";
import type { DocumentFigures } from "./document-figures.js";
import type { Missed } from "./opening.js";

/** The reads under way for one document. */
export class LogReads {
  readonly #turns: Turns;
  readonly #figures: DocumentFigures;
  readonly #underWay = new Map<string, Promise<Missed>>();

  /** `turns` are those of all documents of a process. */
  constructor(turns: Turns, figures: DocumentFigures) {
    this.#turns = turns;
    this.#figures = figures;
  }

  /** What `begin` reads when it is its turn, once for all of one name; rejects when the store does. The rows may be shared:
   * they are never written to. */
  read(name: string, begin: () => Promise<Missed>): Promise<Missed> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const read = this.#begin(begin);
    this.#underWay.set(name, read);
    const forget = (): void => {
      if (this.#underWay.get(name) === read) this.#underWay.delete(name);
    };
    read.then(forget, forget);
    return read;
  }

  /** The document was loaded again: nobody may join what is being read, which may not be what the log holds now. */
  reset(): void {
    this.#underWay.clear();
  }

  #begin(begin: () => Promise<Missed>): Promise<Missed> {
    return new Promise((resolve, reject) => {
      this.#turns.take({
        isUrgent: false,
        isAwaited: () => true,
        skipped: () => undefined,
        begin: () => {
          this.#figures.count("logReads");
          return begin().then(resolve, reject);
        },
      });
    });
  }
}
