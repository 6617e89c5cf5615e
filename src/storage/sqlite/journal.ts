// One of the two journals that take the commits, in commit order: a row of SQLite for each block. It knows blocks by id;
// whose rows they hold is for the index.
import { crc32 } from "node:zlib";
import { bytes, columns, DamageError, integer } from "./columns.js";
import type { Connection } from "./connection.js";
import { RowBlock } from "./row-block.js";
import { ROW_BYTES, RowField } from "./row-layout.js";
import type { JournalName } from "./schema.js";

/** A block as a scan finds it. Its rows are not verified. */
export interface FoundBlock {
  readonly id: number;
  /** Undefined when not even the number of its rows can be told. */
  readonly block: RowBlock | undefined;
  /** Whose rows it holds, and those of the block before; undefined when that is damaged. */
  readonly head: BlockHead | undefined;
}

export interface BlockHead {
  readonly docs: readonly number[];
  readonly previousDocs: readonly number[];
}

export class Journal {
  readonly name: JournalName;
  readonly #insert;
  readonly #scan;
  readonly #clear;

  constructor(db: Connection, name: JournalName) {
    this.name = name;
    this.#insert = db.prepare(`INSERT INTO ${name}(id, prev, docs, rows, crc) VALUES(?, ?, ?, ?, ?)`);
    this.#scan = db.prepare(`SELECT id, prev, docs, rows, crc FROM ${name} ORDER BY id`).raw();
    this.#clear = db.prepare(`DELETE FROM ${name}`);
  }

  /** Inside a transaction. `previous`: the block before it, in whichever journal. */
  insert(block: RowBlock, previous: RowBlock | undefined): void {
    const prev = previous === undefined ? NO_DOCS : packDocs(previous);
    const docs = packDocs(block);
    this.#insert.run(block.firstId, prev, docs, block.bytes, headChecksum(block.firstId, prev, docs));
  }

  /** All blocks in id order. Do not write while iterating. Throws DamageError for an id that is none. */
  *scan(): Generator<FoundBlock> {
    for (const raw of this.#scan.iterate()) yield foundBlock(raw);
  }

  /** Empties the journal whole, which SQLite does by giving its pages back. */
  clear(): void {
    this.#clear.run();
  }
}

const NO_DOCS = Buffer.alloc(0);

function packDocs(block: RowBlock): Buffer {
  const docs = Buffer.allocUnsafe(block.count * 4);
  const view = new DataView(docs.buffer, docs.byteOffset);
  for (let index = 0; index < block.count; index++) {
    view.setUint32(index * 4, block.view.getUint32(index * ROW_BYTES + RowField.doc, true), true);
  }
  return docs;
}

const unpackDocs = (docs: Buffer): number[] =>
  Array.from({ length: Math.floor(docs.length / 4) }, (_, index) => docs.readUInt32LE(index * 4));

function headChecksum(id: number, prev: Buffer, docs: Buffer): number {
  const head = Buffer.allocUnsafe(16);
  head.writeDoubleLE(id, 0);
  head.writeUInt32LE(prev.length, 8);
  head.writeUInt32LE(docs.length, 12);
  return crc32(docs, crc32(prev, crc32(head)));
}

function foundBlock(raw: unknown): FoundBlock {
  const [first, prev, docs, rows, crc] = columns(raw);
  const id = integer(first);
  const head = foundHead(id, { prev, docs, crc });
  if (!Buffer.isBuffer(rows)) return { id, block: undefined, head };
  // The first row's texts begin where the fixed parts end; what it says counts only if it verifies.
  const count = head?.docs.length ?? countByFirstRow(id, rows);
  const whole = count !== undefined && count > 0 && rows.length >= count * ROW_BYTES;
  return { id, block: whole ? new RowBlock(id, count, rows) : undefined, head };
}

function foundHead(id: number, raw: { prev: unknown; docs: unknown; crc: unknown }): BlockHead | undefined {
  try {
    const [prev, docs] = [bytes(raw.prev), bytes(raw.docs)];
    if (raw.crc !== headChecksum(id, prev, docs)) return undefined;
    return { docs: unpackDocs(docs), previousDocs: unpackDocs(prev) };
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}

function countByFirstRow(id: number, rows: Buffer): number | undefined {
  if (rows.length < ROW_BYTES) return undefined;
  const first = new RowBlock(id, 1, rows).verified(0);
  return first === undefined ? undefined : first.textAt / ROW_BYTES;
}
