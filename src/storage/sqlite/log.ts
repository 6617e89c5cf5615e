// One document's log as readers see it: folded segments, then what is still in the journals, without a gap (R3, R12).
import type { LogRow, StoredPosition } from "../../document/document-store.js";
import { TransactionKind } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import { type DocumentRow, DocumentStatus } from "./documents.js";
import type { Journals } from "./journals.js";
import type { Segments } from "./segments.js";

export class Log {
  readonly #segments: Segments;
  readonly #journals: Journals;

  constructor(segments: Segments, journals: Journals) {
    this.#segments = segments;
    this.#journals = journals;
  }

  /** Where the log ends and whether it ends in a tombstone. */
  end(row: DocumentRow): StoredPosition & { readonly deleted: boolean } {
    const last = this.#journals.tails(row.doc).at(-1)?.last;
    if (last === undefined) {
      return { seq: row.head, epoch: row.epoch, deleted: row.status === DocumentStatus.deleted };
    }
    return { seq: last.seq, epoch: last.epoch, deleted: last.kind === TransactionKind.delete };
  }

  /** Rows with `after < seq`, verified, in order. Only a trimmed part may be missing, at the front: anything else
   * throws DamageError, at the end too when the head is not reached. */
  *rowsAfter(row: DocumentRow, after: number): Generator<LogRow> {
    let expected = Math.max(after, row.trimmed) + 1;
    for (const logRow of this.#found(row, after)) {
      if (logRow.seq !== expected) throw missing(expected, logRow.seq - 1);
      expected++;
      yield logRow;
    }
    const head = this.end(row).seq;
    if (expected <= head) throw missing(expected, head);
  }

  *#found(row: DocumentRow, after: number): Generator<LogRow> {
    if (after < row.head) yield* this.#segments.rowsAfter(row.doc, after);
    for (const tail of this.#journals.tails(row.doc)) {
      for (const found of tail.after(after)) yield found.toLogRow();
    }
  }
}

const missing = (from: number, to: number): DamageError =>
  new DamageError(`rows ${from} to ${to} of the log are missing`);
