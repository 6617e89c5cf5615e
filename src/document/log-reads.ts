// Looks up what openings missed, once for all who ask from the same position at the same time: after a crash everybody
// comes back at once, and mostly from the same place. Of different positions so many are looked up at a time, since what
// is found is held in memory until it is sent; and what nobody waits for any more is not looked up at all.
import type { Turns } from "../runtime/turns.js";
import type { Missed } from "./opening.js";

/** What somebody looks for. */
export interface LogRead {
  /** Equal for those who may share what is found. */
  readonly name: string;
  /** Finds it, when it is its turn. */
  readonly begin: () => Promise<Missed>;
  /** False: whoever asks has left. */
  readonly isAwaited: () => boolean;
}

/** A look under way, and who waits for it. */
interface UnderWay {
  readonly found: Promise<Missed>;
  readonly awaited: (() => boolean)[];
}

/** The looks under way for one document. */
export class LogReads {
  readonly #turns: Turns;
  readonly #underWay = new Map<string, UnderWay>();

  /** `turns` are those of all documents of a process. */
  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** What is found, once for all of one name; rejects when the store does, and never settles when all who asked have left.
   * The rows may be shared: they are never written to. */
  read({ name, begin, isAwaited }: LogRead): Promise<Missed> {
    const same = this.#underWay.get(name);
    if (same !== undefined) {
      same.awaited.push(isAwaited);
      return same.found;
    }
    const awaited = [isAwaited];
    const found = this.#inTurn(begin, awaited, () => forget());
    const forget = (): void => {
      if (this.#underWay.get(name)?.found === found) this.#underWay.delete(name);
    };
    this.#underWay.set(name, { found, awaited });
    found.then(forget, forget);
    return found;
  }

  /** The document was loaded again: nobody may join what is being read, which may not be what the log holds now. */
  reset(): void {
    this.#underWay.clear();
  }

  #inTurn(begin: LogRead["begin"], awaited: UnderWay["awaited"], skipped: () => void): Promise<Missed> {
    return new Promise((resolve, reject) => {
      this.#turns.take({
        isUrgent: false,
        isAwaited: () => awaited.some((one) => one()),
        skipped,
        begin: () => begin().then(resolve, reject),
      });
    });
  }
}
