// What an opening missed: at hand in memory, or looked up in the log, after which the opening goes on. Whoever wishes for
// some messages of a channel has the log searched for them.
import type { HeldPosition } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Turns } from "../runtime/turns.js";
import { type ChannelOpenings, isSearched, type Source, type Wish } from "./channels/channel-openings.js";
import type { DocumentFigures } from "./document-figures.js";
import type { DocumentStore } from "./document-store.js";
import { type LogRead, LogReads } from "./log-reads.js";
import { type Missed, missedInMemory, missedOnDisk } from "./opening.js";
import type { Pipeline } from "./pipeline.js";
import type { OpenWork } from "./work.js";

/** Until the log is read again for an opening that could not read it. */
const RETRY_MS = 200;

/** What it is looked for with. */
export interface MissedSearchParts {
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly figures: DocumentFigures;
  /** In which the documents of a process read their logs. */
  readonly logTurns: Turns;
  /** Undefined: it is no channel. */
  readonly channel: ChannelOpenings | undefined;
  /** Goes on with an opening for which the log was read; undefined: from the start. */
  readonly proceed: (work: OpenWork, read: Missed | undefined, pipeline: Pipeline) => void;
  /** Takes what must never be thrown. */
  readonly failed: (error: unknown) => void;
}

/** What is looked for, and until when. */
export interface Sought {
  readonly held: HeldPosition | undefined;
  readonly wish: Wish | undefined;
  /** False: whoever asks has left. */
  readonly isAwaited: () => boolean;
}

/** Looks for one document's openings. */
export class MissedSearch {
  readonly #parts: MissedSearchParts;
  readonly #logReads: LogReads;

  constructor(parts: MissedSearchParts) {
    this.#parts = parts;
    this.#logReads = new LogReads(parts.logTurns);
  }

  /** The document was loaded again: looks under way are of what may be lost. */
  reset(): void {
    this.#logReads.reset();
  }

  /** What is known without looking for it. */
  atHand(held: HeldPosition | undefined, source: Source, wish: Wish | undefined): Missed | undefined {
    // What somebody wishes for is searched, which takes its time also in memory.
    if (wish !== undefined && isSearched(wish, held)) return undefined;
    return missedInMemory(held, source.pipeline, source.document.type.tag);
  }

  /** Looks it up, and goes on with the opening. */
  lookUp(work: OpenWork, source: Source, { held, wish, isAwaited }: Sought): void {
    const { store, channel, figures } = this.#parts;
    const { pipeline, ref, document } = source;
    if (channel !== undefined && wish !== undefined && isSearched(wish, held)) {
      const name = `${held?.join(" ")} ${wish.count} ${wish.filter?.text}`;
      return this.#proceedWith(work, pipeline, { name, isAwaited, begin: () => channel.search(held, wish, source) });
    }
    if (held === undefined) return;
    const begin = (): Promise<Missed> => {
      figures.count("logReads");
      return missedOnDisk(held, { store, ref, recent: pipeline.recent, type: document.type });
    };
    this.#proceedWith(work, pipeline, { name: held.join(" "), isAwaited, begin });
  }

  #proceedWith(work: OpenWork, pipeline: Pipeline, read: LogRead): void {
    const { runtime, proceed, failed } = this.#parts;
    this.#logReads
      .read(read)
      .then(
        (missed) => proceed(work, missed, pipeline),
        // The store is recovering, or failing for good: an error is no evidence of a gap.
        () => void runtime.setTimer(RETRY_MS, () => proceed(work, undefined, pipeline)),
      )
      .catch(failed);
  }
}
