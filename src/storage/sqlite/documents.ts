// The table of documents: names, numbers, and where each log stood at its last fold. Every row read is verified.
import type { DocumentName } from "../../document/document-store.js";
import { checksum } from "./checksum.js";
import { columns, DamageError, integer, integerOrNull, text, textOrNull, verify } from "./columns.js";
import type { Connection } from "./connection.js";

export const DocumentStatus = { live: "live", deleted: "deleted", quarantined: "quarantined" } as const;
export type DocumentStatus = (typeof DocumentStatus)[keyof typeof DocumentStatus];

/** A document as of its last fold. `trimmed` is the seq after which its log begins. */
export interface DocumentRow extends DocumentName {
  readonly doc: number;
  readonly status: DocumentStatus;
  /** Why it is quarantined. */
  readonly reason: string | null;
  readonly typeVersion: number;
  readonly epoch: number;
  readonly head: number;
  readonly trimmed: number;
  readonly nextDue: number | null;
}

export const DOCUMENT_COLUMNS = "doc, space, type, key, status, reason, tv, epoch, head, trimmed, next_due, crc";

export class Documents {
  readonly #byName;
  readonly #byNumber;
  readonly #insert;
  readonly #update;
  readonly #page;

  constructor(db: Connection) {
    const select = `SELECT ${DOCUMENT_COLUMNS} FROM docs`;
    this.#byName = db.prepare("SELECT doc FROM docs WHERE space = ? AND type = ? AND key = ?").pluck();
    this.#byNumber = db.prepare(`${select} WHERE doc = ?`).raw();
    this.#insert = db.prepare(`INSERT INTO docs(${DOCUMENT_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#update = db.prepare(`UPDATE docs
      SET status = ?, reason = ?, tv = ?, epoch = ?, head = ?, trimmed = ?, next_due = ?, crc = ? WHERE doc = ?`);
    this.#page = db.prepare(`${select} WHERE space = ? AND type = ? AND key > ? ORDER BY key LIMIT ?`).raw();
  }

  /** The number of a name; undefined when nobody has created it. */
  numberOf(name: DocumentName): number | undefined {
    const doc: unknown = this.#byName.get(name.space, name.type, name.key);
    return doc === undefined ? undefined : integer(doc);
  }

  /** The row of a number. Throws DamageError when it is damaged or gone. */
  get(doc: number): DocumentRow {
    const raw = this.#byNumber.get(doc);
    if (raw === undefined) throw new DamageError(`the row of document ${doc} is missing`);
    return parseDocumentRow(raw);
  }

  /** Inside a transaction: a document that has no folded row yet. */
  insert(doc: number, name: DocumentName): void {
    const row: DocumentRow = {
      ...{ doc, space: name.space, type: name.type, key: name.key, status: DocumentStatus.live, reason: null },
      ...{ typeVersion: 0, epoch: 0, head: 0, trimmed: 0, nextDue: null },
    };
    const { space, type, key, status, reason, typeVersion, epoch, head, trimmed, nextDue } = row;
    const crc = documentChecksum(row);
    this.#insert.run(doc, space, type, key, status, reason, typeVersion, epoch, head, trimmed, nextDue, crc);
  }

  /** Inside a transaction: everything but the name. */
  update(row: DocumentRow): void {
    const { status, reason, typeVersion, epoch, head, trimmed, nextDue, doc } = row;
    this.#update.run(status, reason, typeVersion, epoch, head, trimmed, nextDue, documentChecksum(row), doc);
  }

  /** At most `limit` rows of a type after a key, by key; undefined stands for a damaged one. */
  page(space: string, type: string, after: string, limit: number): (DocumentRow | { damaged: string })[] {
    return this.#page.all(space, type, after, limit).map((raw) => {
      try {
        return parseDocumentRow(raw);
      } catch (error) {
        if (error instanceof DamageError) return { damaged: text(columns(raw)[3]) };
        throw error;
      }
    });
  }
}

/** The row, verified. Throws DamageError. */
export function parseDocumentRow(raw: unknown): DocumentRow {
  const [doc, space, type, key, status, reason, tv, epoch, head, trimmed, nextDue, crc] = columns(raw);
  const row: DocumentRow = {
    doc: integer(doc),
    space: text(space),
    type: text(type),
    key: text(key),
    status: documentStatus(status),
    reason: textOrNull(reason),
    typeVersion: integer(tv),
    epoch: integer(epoch),
    head: integer(head),
    trimmed: integer(trimmed),
    nextDue: integerOrNull(nextDue),
  };
  verify(crc, documentChecksum(row), `the row of document ${row.doc}`);
  return row;
}

function documentStatus(value: unknown): DocumentStatus {
  if (value === "live" || value === "deleted" || value === "quarantined") return value;
  throw new DamageError("a document has no known status");
}

function documentChecksum(row: DocumentRow): number {
  const { doc, space, type, key, status, reason, typeVersion, epoch, head, trimmed, nextDue } = row;
  return checksum(doc, space, type, key, status, reason, typeVersion, epoch, head, trimmed, nextDue);
}
