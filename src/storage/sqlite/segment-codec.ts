// The bytes of a segment: rows of one document, contiguous, of one epoch and type version. Per row a fixed header
// (kind u8, at f64, and byte lengths u32 of subject, operations and events), then the three texts in UTF-8.
import type { LogRow } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import { type Row, transactionKind } from "./row-block.js";

const HEADER_BYTES = 21;
const NO_EVENTS = 0xff_ff_ff_ff;

/** What all rows of a segment share. */
export interface SegmentHead {
  readonly firstSeq: number;
  readonly count: number;
  readonly epoch: number;
  readonly typeVersion: number;
}

/** Packs rows; their seq, epoch and type version live in the segment's own columns. */
export function encodeSegment(rows: readonly Row[]): Buffer {
  let size = 0;
  for (const row of rows) size += HEADER_BYTES + row.textBytes - row.logStart;
  const body = Buffer.allocUnsafe(size);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let offset = 0;
  for (const row of rows) {
    const { textAt, logStart, subjectEnd, operationsEnd, textBytes } = row;
    view.setUint8(offset, row.kind);
    view.setFloat64(offset + 1, row.at, true);
    view.setUint32(offset + 9, subjectEnd - logStart, true);
    view.setUint32(offset + 13, operationsEnd - subjectEnd, true);
    view.setUint32(offset + 17, row.hasEvents ? textBytes - operationsEnd : NO_EVENTS, true);
    // The three texts lie side by side in a block as they do here.
    body.set(row.block.bytes.subarray(textAt + logStart, textAt + textBytes), offset + HEADER_BYTES);
    offset += HEADER_BYTES + textBytes - logStart;
  }
  return body;
}

/** Unpacks what `encodeSegment` packed. Throws DamageError when lengths do not fit. */
export function decodeSegment(head: SegmentHead, body: Buffer): LogRow[] {
  const rows: LogRow[] = [];
  let offset = 0;
  for (let index = 0; index < head.count; index++) {
    const end = rowEnd(body, offset);
    rows.push(readRow(head, index, body.subarray(offset, end)));
    offset = end;
  }
  if (offset !== body.length) throw new DamageError("a segment has bytes past its last row");
  return rows;
}

function rowEnd(body: Buffer, offset: number): number {
  if (offset + HEADER_BYTES > body.length) throw new DamageError("a segment ends inside a row");
  const events = body.readUInt32LE(offset + 17);
  const texts = body.readUInt32LE(offset + 9) + body.readUInt32LE(offset + 13) + (events === NO_EVENTS ? 0 : events);
  const end = offset + HEADER_BYTES + texts;
  if (end > body.length) throw new DamageError("a segment ends inside a row");
  return end;
}

function readRow(head: SegmentHead, index: number, row: Buffer): LogRow {
  const operationsAt = HEADER_BYTES + row.readUInt32LE(9);
  const eventsAt = operationsAt + row.readUInt32LE(13);
  return {
    seq: head.firstSeq + index,
    epoch: head.epoch,
    typeVersion: head.typeVersion,
    kind: transactionKind(row.readUInt8(0)),
    at: row.readDoubleLE(1),
    subject: row.toString("utf8", HEADER_BYTES, operationsAt),
    operations: row.toString("utf8", operationsAt, eventsAt),
    events: row.readUInt32LE(17) === NO_EVENTS ? undefined : row.toString("utf8", eventsAt),
  };
}
