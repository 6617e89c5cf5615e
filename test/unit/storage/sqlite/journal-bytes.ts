// The journal of a file as bytes, to be damaged behind the store's back.
import { RowBlock } from "../../../../src/storage/sqlite/row-block.js";
import { ROW_BYTES } from "../../../../src/storage/sqlite/row-layout.js";
import type { Folder } from "./sqlite-files.js";

/** A row as it lies in the journal. */
export interface StoredRow {
  /** Id of its block. */
  readonly block: number;
  readonly index: number;
  readonly doc: number;
}

/** The bytes of one row: its fixed part, and its first text. */
export interface RowBytes {
  readonly fixed: Buffer;
  readonly texts: Buffer;
}

/** The journal of a folder that has rows; only one has. */
export class JournalBytes {
  readonly #folder: Folder;
  readonly name: string;

  constructor(folder: Folder) {
    this.#folder = folder;
    const filled = ["journal_a", "journal_b"].filter((name) => folder.sql(`SELECT id FROM ${name}`).length > 0);
    if (filled.length !== 1 || filled[0] === undefined) throw new Error(`${filled.length} journals have rows`);
    this.name = filled[0];
  }

  /** In commit order. */
  rows(): StoredRow[] {
    return this.#folder.sql(`SELECT id, docs FROM ${this.name} ORDER BY id`).flatMap((raw) => {
      const [id, docs] = Object.values(raw ?? {});
      if (typeof id !== "number" || !Buffer.isBuffer(docs)) throw new Error("no block");
      return Array.from({ length: docs.length / 4 }, (_, index) => {
        return { block: id, index, doc: docs.readUInt32LE(index * 4) };
      });
    });
  }

  /** Ids of the blocks. */
  blocks(): number[] {
    return [...new Set(this.rows().map(({ block }) => block))];
  }

  change({ block, index }: StoredRow, change: (bytes: RowBytes) => void): void {
    const [raw] = this.#folder.sql(`SELECT rows FROM ${this.name} WHERE id = ?`, block);
    const [bytes] = Object.values(raw ?? {});
    if (!Buffer.isBuffer(bytes)) throw new Error("no block");
    const { textAt, textBytes } = new RowBlock(block, index + 1, bytes).row(index);
    const start = index * ROW_BYTES;
    change({ fixed: bytes.subarray(start, start + ROW_BYTES), texts: bytes.subarray(textAt, textAt + textBytes) });
    this.#folder.sql(`UPDATE ${this.name} SET rows = ? WHERE id = ?`, bytes, block);
  }

  /** Sets columns of a block, as SQL. */
  changeBlock(block: number, set: string): void {
    this.#folder.sql(`UPDATE ${this.name} SET ${set} WHERE id = ?`, block);
  }

  /** Removes blocks. */
  remove(...blocks: readonly number[]): void {
    for (const block of blocks) this.#folder.sql(`DELETE FROM ${this.name} WHERE id = ?`, block);
  }
}
