// Reads one document whole and believes nothing: names, checksums, contiguity and heads must agree, or it is
// quarantined and the others serve (R12).
import type { DocumentName, LogRow, StoredPosition, StoredSnapshot } from "../../document/document-store.js";
import { nameKey } from "../name-key.js";
import { DamageError } from "./columns.js";
import { type DocumentRow, DocumentStatus } from "./documents.js";
import type { Tables } from "./tables.js";
import type { LoadAnswer } from "./writer-calls.js";

/** Receipts verified at a load. One whose key was damaged would read as absent, and its call would apply twice. */
const RECEIPTS_VERIFIED_MAX = 4_096;

export function loadDocument(tables: Tables, name: DocumentName): LoadAnswer {
  const hidden = tables.identity.hiddenNames.get(nameKey(name));
  if (hidden !== undefined) return { doc: 0, status: "quarantined", reason: hidden };
  const doc = tables.documents.numberOf(name);
  if (doc === undefined) return absent(tables);
  try {
    return tables.guarding(doc, () => read(tables, doc, name));
  } catch (error) {
    if (error instanceof DamageError) return { doc, status: "quarantined", reason: error.reason };
    throw error;
  }
}

function absent(tables: Tables): LoadAnswer {
  const reason = tables.identity.namesLost;
  return reason === undefined ? { doc: 0, status: "absent" } : { doc: 0, status: "quarantined", reason };
}

function read(tables: Tables, doc: number, name: DocumentName): LoadAnswer {
  const row = tables.documents.get(doc);
  if (nameKey(row) !== nameKey(name)) throw new DamageError("the index of names leads to another document");
  if (row.status === DocumentStatus.quarantined) throw new DamageError(row.reason ?? "it was quarantined before");
  tables.receipts.verify(doc, RECEIPTS_VERIFIED_MAX);
  const { seq, epoch, deleted } = tables.log.end(row);
  const head = { seq, epoch };
  if (deleted) return { doc, status: "deleted", head };
  const snapshot = tables.snapshots.get(doc);
  return { doc, status: "live", head, snapshot, tail: tailOf(tables, row, { head, snapshot }) };
}

function tailOf(
  tables: Tables,
  row: DocumentRow,
  known: { head: StoredPosition; snapshot: StoredSnapshot | undefined },
): LogRow[] {
  const { head, snapshot } = known;
  const after = snapshot?.seq ?? 0;
  if (after > head.seq) throw new DamageError(`the log ends at ${head.seq}, before its snapshot at ${after}`);
  if (row.trimmed > after) throw new DamageError(`the log begins after ${row.trimmed} and no snapshot reaches there`);
  const tail = [...tables.log.rowsAfter(row, after)];
  const last = tail.at(-1) ?? snapshot;
  if (last !== undefined && (last.seq !== head.seq || last.epoch !== head.epoch)) {
    throw new DamageError("the log and its head disagree");
  }
  return tail;
}
