// Turns packed rows, whose texts are one string, into blocks of bytes for the journal.
import { RowBlock } from "./row-block.js";
import { ROW_BYTES, RowField } from "./row-layout.js";

/** Rows as they crossed the thread. */
export interface PackedRows {
  /** The document's number of each row. */
  readonly docs: Int32Array;
  /** ROW_BYTES for each row; text ends count UTF-16 units. */
  readonly rows: Uint8Array;
  /** The texts of all rows, one after the other. */
  readonly texts: string;
}

/** About how large a block gets: what one damaged page can spoil, and one row of SQLite holds. */
const BLOCK_BYTES_MAX = 256 * 1_024;

const TEXT_ENDS = [
  RowField.clientEnd,
  RowField.resultEnd,
  RowField.subjectEnd,
  RowField.operationsEnd,
  RowField.eventsEnd,
] as const;

/** Blocks for rows whose ids begin with `firstId`. */
export function encodeBlocks(packed: PackedRows, firstId: number): RowBlock[] {
  const { docs, rows, texts } = packed;
  const fixed = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const blocks: RowBlock[] = [];
  for (let row = 0, unit = 0; row < docs.length; ) {
    const from = { row, unit };
    do {
      unit += fixed.getUint32(row * ROW_BYTES + RowField.eventsEnd, true);
      row++;
    } while (row < docs.length && (row - from.row) * ROW_BYTES + unit - from.unit < BLOCK_BYTES_MAX);
    const part = {
      docs: docs.subarray(from.row, row),
      rows: rows.subarray(from.row * ROW_BYTES, row * ROW_BYTES),
      texts: texts.slice(from.unit, unit),
    };
    blocks.push(encodeBlock(part, firstId + from.row));
  }
  return blocks;
}

function encodeBlock(packed: PackedRows, firstId: number): RowBlock {
  const { docs, rows, texts } = packed;
  const ascii = Buffer.byteLength(texts) === texts.length;
  const bytes = ascii ? encodeAscii(rows, texts) : encodeUtf8(rows, texts);
  const block = new RowBlock(firstId, docs.length, bytes);
  place(block, docs);
  block.seal();
  return block;
}

/** One byte per unit: everything is written at once. */
function encodeAscii(rows: Uint8Array, texts: string): Buffer {
  const bytes = Buffer.allocUnsafe(rows.length + texts.length);
  bytes.set(rows);
  bytes.write(texts, rows.length, "latin1");
  return bytes;
}

/** Text by text, so that half a surrogate pair at an end never meets another; from then on ends count bytes. */
function encodeUtf8(rows: Uint8Array, texts: string): Buffer {
  const bytes = Buffer.allocUnsafe(rows.length + 3 * texts.length);
  bytes.set(rows);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let unit = 0;
  let written = rows.length;
  for (let start = 0; start < rows.length; start += ROW_BYTES) {
    const textAt = written;
    const firstUnit = unit;
    for (const field of TEXT_ENDS) {
      const end = firstUnit + view.getUint32(start + field, true);
      written += bytes.write(texts.slice(unit, end), written, "utf8");
      view.setUint32(start + field, written - textAt, true);
      unit = end;
    }
  }
  return Buffer.from(bytes.subarray(0, written));
}

function place(block: RowBlock, docs: Int32Array): void {
  const { view, count } = block;
  let textAt = count * ROW_BYTES;
  for (let index = 0; index < count; index++) {
    const start = index * ROW_BYTES;
    view.setUint32(start + RowField.doc, docs[index] ?? 0, true);
    view.setUint32(start + RowField.textAt, textAt, true);
    textAt += view.getUint32(start + RowField.eventsEnd, true);
  }
}
