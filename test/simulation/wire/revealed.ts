// When anybody was first told of each transaction: from then on nobody else may hold an older state for the newest.

/** First tellings, by document. */
export class Revealed {
  readonly #atMs = new Map<string, number[]>();

  /** By document and seq minus one, ms. */
  get atMs(): ReadonlyMap<string, readonly number[]> {
    return this.#atMs;
  }

  /** Somebody is told how a document is at a seq. */
  tell(documentId: string, seq: number, nowMs: number): void {
    const told = this.#atMs.get(documentId) ?? [];
    this.#atMs.set(documentId, told);
    while (told.length < seq) told.push(nowMs);
  }

  /** All of that is given up for an older history. */
  forget(): void {
    this.#atMs.clear();
  }
}
