// One journal row: its columns, its checksum, and the log row it stands for. It reads and writes no table.
import type { LogRow, TransactionKind } from "../../document/document-store.js";
import { TransactionKind as Kinds } from "../../document/document-store.js";
import { checksum } from "./checksum.js";
import { columns, DamageError, integer, integerOrNull, text, textOrNull, verify } from "./columns.js";

/** A committed transaction as the journal keeps it. `client` and what follows it are null without a request. */
export interface JournalRow {
  readonly id: number;
  readonly previousDoc: number;
  readonly doc: number;
  readonly seq: number;
  readonly epoch: number;
  readonly typeVersion: number;
  readonly kind: number;
  readonly at: number;
  readonly subject: string;
  readonly client: string | null;
  readonly n: number | null;
  readonly low: number | null;
  readonly born: number | null;
  readonly hash: number | null;
  readonly result: string | null;
  readonly operations: string;
  readonly events: string | null;
  readonly hidden: string | null;
}

/** The columns that `parseJournalRow` expects. */
export const JOURNAL_COLUMNS =
  "id, prev, doc, seq, epoch, tv, kind, at, sub, client, n, low, born, hash, result, ops, events, sys, crc";

export function journalChecksum(row: JournalRow): number {
  return checksum(
    row.id,
    row.previousDoc,
    row.doc,
    row.seq,
    row.epoch,
    row.typeVersion,
    row.kind,
    row.at,
    row.subject,
    row.client,
    row.n,
    row.low,
    row.born,
    row.hash,
    row.result,
    row.operations,
    row.events,
    row.hidden,
  );
}

/** The row, verified. Throws DamageError. */
export function parseJournalRow(raw: unknown): JournalRow {
  const all = columns(raw);
  const [id, prev, doc, seq, epoch, tv, kind, at, sub, client, n, low, born, hash, result, ops, events, sys, crc] = all;
  const row: JournalRow = {
    id: integer(id),
    previousDoc: integer(prev),
    doc: integer(doc),
    seq: integer(seq),
    epoch: integer(epoch),
    typeVersion: integer(tv),
    kind: integer(kind),
    at: integer(at),
    subject: text(sub),
    client: textOrNull(client),
    n: integerOrNull(n),
    low: integerOrNull(low),
    born: integerOrNull(born),
    hash: integerOrNull(hash),
    result: textOrNull(result),
    operations: text(ops),
    events: textOrNull(events),
    hidden: textOrNull(sys),
  };
  verify(crc, journalChecksum(row), `journal row ${row.id}`);
  return row;
}

/** The transaction as readers of the log see it. */
export function toLogRow(row: JournalRow): LogRow {
  return {
    seq: row.seq,
    epoch: row.epoch,
    typeVersion: row.typeVersion,
    kind: transactionKind(row.kind),
    at: row.at,
    subject: row.subject,
    operations: row.operations,
    events: row.events ?? undefined,
  };
}

/** Narrows a stored kind. Throws DamageError for one that was never written. */
export function transactionKind(value: number): TransactionKind {
  if (value === Kinds.message || value === Kinds.create || value === Kinds.delete) return value;
  throw new DamageError(`a row says it is of kind ${value}`);
}
