// A point in a document's history, as applications see it.

/** Compare two epochs only for equality. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}
