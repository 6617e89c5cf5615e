// What the documents of one process count of themselves for the operator. Numbers only; it decides nothing.

/** Counts since they were taken last. */
export interface DocumentCounts {
  /** States written out as text, for subscribers or the store. */
  readonly snapshots: number;
  /** Of those, how many had been written out before at the same seq: work done twice. */
  readonly snapshotsAgain: number;
  /** Times the log was read from the disk for openings. */
  readonly logReads: number;
  /** Openings that went on from their position, and those that got a snapshot. */
  readonly resumed: number;
  readonly reset: number;
  /** Calls and openings refused for want of room, before they were executed. */
  readonly refused: number;
}

type Counter = keyof DocumentCounts;

const NONE: DocumentCounts = { snapshots: 0, snapshotsAgain: 0, logReads: 0, resumed: 0, reset: 0, refused: 0 };

/** Counts for all documents of a process together. */
export class DocumentFigures {
  #counts: { [C in Counter]: number } = { ...NONE };

  /** One more. */
  count(counter: Counter): void {
    this.#counts[counter] += 1;
  }

  /** Everything since the last time, and begins anew. */
  take(): DocumentCounts {
    const counts = this.#counts;
    this.#counts = { ...NONE };
    return counts;
  }
}
