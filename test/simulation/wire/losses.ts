// Frames that a fault took out of a stream, and whether whoever missed them noticed in time (R13).

/** What is known of the connection. */
export interface LossesParts {
  /** Within so many ms a client must notice that it is behind. */
  readonly noticeMs: number;
  /** Until when something kept this connection, or either end of it, from working as it should. */
  readonly badUntilMs: () => number;
  readonly nowMs: () => number;
  readonly late: (documentId: string, tookMs: number) => void;
}

/** Documents of which something was lost, until the client asks for them anew. */
export class Losses {
  readonly #parts: LossesParts;
  readonly #sinceMs = new Map<string, number>();

  constructor(parts: LossesParts) {
    this.#parts = parts;
  }

  /** Something of a document was lost. */
  lost(documentId: string): void {
    if (!this.#sinceMs.has(documentId)) this.#sinceMs.set(documentId, this.#parts.nowMs());
  }

  /** The client asks for it, or does not want it any more. */
  noticed(documentId: string): void {
    const lostAtMs = this.#sinceMs.get(documentId);
    this.#sinceMs.delete(documentId);
    const { badUntilMs, nowMs, noticeMs, late } = this.#parts;
    if (lostAtMs === undefined || badUntilMs() >= lostAtMs) return;
    const tookMs = nowMs() - lostAtMs;
    if (tookMs > noticeMs) late(documentId, tookMs);
  }

  /** Whoever is sent away, or is sent all of it anew, has nothing left to notice. */
  forgive(documentId: string): void {
    this.#sinceMs.delete(documentId);
  }

  /** The connection is over, or the run is: what was lost must have been noticed, or there was no time for it. */
  over(): void {
    for (const documentId of [...this.#sinceMs.keys()]) this.noticed(documentId);
  }
}
