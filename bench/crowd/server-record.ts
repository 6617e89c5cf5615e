// What a server logged about itself while it was measured: the sum of its figures.

/** Counts that scenarios are about. */
export interface RecordedCounts {
  readonly sentAway: number;
  readonly snapshots: number;
  readonly snapshotsAgain: number;
  readonly logReads: number;
  readonly resumed: number;
  readonly reset: number;
  readonly refused: number;
}

interface FiguresLine {
  readonly figures?: {
    readonly sentAway: number;
    readonly documents: Omit<RecordedCounts, "sentAway"> & { readonly loaded: number };
  };
}

/** Listens to one server. */
export class ServerRecord {
  readonly #counts: { -readonly [name in keyof RecordedCounts]: number } = {
    sentAway: 0,
    snapshots: 0,
    snapshotsAgain: 0,
    logReads: 0,
    resumed: 0,
    reset: 0,
    refused: 0,
  };

  /** Documents in memory, when it last said so. */
  loaded = 0;

  get counts(): RecordedCounts {
    return { ...this.#counts };
  }

  /** Takes a line of the server's output. */
  readonly hear = (line: string): void => {
    if (!line.startsWith("{")) return;
    const { figures }: FiguresLine = JSON.parse(line);
    if (figures === undefined) return;
    const counts = this.#counts;
    this.loaded = figures.documents.loaded;
    counts.sentAway += figures.sentAway;
    counts.snapshots += figures.documents.snapshots;
    counts.snapshotsAgain += figures.documents.snapshotsAgain;
    counts.logReads += figures.documents.logReads;
    counts.resumed += figures.documents.resumed;
    counts.reset += figures.documents.reset;
    counts.refused += figures.documents.refused;
  };
}
