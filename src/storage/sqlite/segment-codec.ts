// The bytes of a segment: rows of one document, contiguous, of one epoch and type version. Per row a fixed header
// (kind u8, at f64, and byte lengths u32 of subject, operations and events), then the three texts in UTF-8.
import type { LogRow } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import { transactionKind } from "./journal-row.js";

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
export function encodeSegment(rows: readonly LogRow[]): Buffer {
  const lengths = rows.map(textBytes);
  const body = Buffer.allocUnsafe(lengths.reduce((sum, bytes) => sum + bytes + HEADER_BYTES, 0));
  let offset = 0;
  for (const row of rows) offset = writeRow(body, offset, row);
  return body;
}

const textBytes = (row: LogRow): number =>
  Buffer.byteLength(row.subject) + Buffer.byteLength(row.operations) + Buffer.byteLength(row.events ?? "");

function writeRow(body: Buffer, start: number, row: LogRow): number {
  let offset = start + HEADER_BYTES;
  const write = (text: string): number => {
    const length = body.write(text, offset, "utf8");
    offset += length;
    return length;
  };
  body.writeUInt8(row.kind, start);
  body.writeDoubleLE(row.at, start + 1);
  body.writeUInt32LE(write(row.subject), start + 9);
  body.writeUInt32LE(write(row.operations), start + 13);
  body.writeUInt32LE(row.events === undefined ? NO_EVENTS : write(row.events), start + 17);
  return offset;
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
