// Packs a batch into flat arrays for the writer thread. It checks nothing: admission has.
import type { DocumentName, Transaction } from "../../document/document-store.js";
import type { OwnedRef } from "../owned-refs.js";
import { HAS_CLIENT, HAS_EVENTS, HAS_RESULT, ROW_BYTES, RowField } from "./row-layout.js";
import type { PackedAppend } from "./writer-calls.js";

/** What one owner commits. */
export interface PackEntry {
  readonly ref: OwnedRef;
  readonly transactions: readonly Transaction[];
}

/** `now` in Unix ms. */
export function packAppend(entries: readonly PackEntry[], now: number): PackedAppend {
  const docs = new Int32Array(entries.length);
  const counts = new Int32Array(entries.length);
  const names: DocumentName[] = [];
  let count = 0;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index];
    if (entry === undefined) break;
    docs[index] = entry.ref.doc;
    counts[index] = entry.transactions.length;
    count += entry.transactions.length;
    if (entry.ref.doc === 0) names.push(entry.ref.name);
  }
  const rows = new Uint8Array(count * ROW_BYTES);
  return { now, docs, counts, names, rows, texts: packRows(entries, new DataView(rows.buffer)) };
}

/** Fills in the fixed parts. Returns the texts. */
function packRows(entries: readonly PackEntry[], rows: DataView): string {
  const texts: string[] = [];
  let start = 0;
  for (const { transactions } of entries) {
    for (const transaction of transactions) {
      packTexts(rows, start, texts, transaction);
      packNumbers(rows, start, transaction);
      start += ROW_BYTES;
    }
  }
  return texts.join("");
}

function packTexts(rows: DataView, start: number, texts: string[], transaction: Transaction): void {
  const { request, subject, operations, events } = transaction;
  let kind: number = transaction.kind;
  let end = 0;
  if (request !== undefined) {
    kind |= HAS_CLIENT;
    texts.push(request.client);
    end = request.client.length;
  }
  rows.setUint32(start + RowField.clientEnd, end, true);
  if (request?.result !== undefined) {
    kind |= HAS_RESULT;
    texts.push(request.result);
    end += request.result.length;
  }
  rows.setUint32(start + RowField.resultEnd, end, true);
  texts.push(subject, operations);
  rows.setUint32(start + RowField.subjectEnd, end + subject.length, true);
  end += subject.length + operations.length;
  rows.setUint32(start + RowField.operationsEnd, end, true);
  if (events !== undefined) {
    kind |= HAS_EVENTS;
    texts.push(events);
    end += events.length;
  }
  rows.setUint32(start + RowField.eventsEnd, end, true);
  rows.setUint32(start + RowField.kind, kind, true);
}

function packNumbers(rows: DataView, start: number, { seq, epoch, typeVersion, at, request }: Transaction): void {
  rows.setFloat64(start + RowField.seq, seq, true);
  rows.setFloat64(start + RowField.epoch, epoch, true);
  rows.setFloat64(start + RowField.typeVersion, typeVersion, true);
  rows.setFloat64(start + RowField.at, at, true);
  if (request === undefined) return;
  rows.setFloat64(start + RowField.n, request.n, true);
  rows.setFloat64(start + RowField.low, request.low, true);
  rows.setFloat64(start + RowField.born, request.born, true);
  rows.setFloat64(start + RowField.hash, request.hash, true);
}
