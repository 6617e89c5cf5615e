// The hot path of the writer: a packed batch becomes blocks of rows in one transaction, and enters the index only after
// its commit (R1, R2). New documents get their row in the same commit.
import { encodeBlocks, type PackedRows } from "./encode-block.js";
import { ROW_BYTES, RowField } from "./row-layout.js";
import type { Tables } from "./tables.js";
import type { AppendAnswer, PackedAppend } from "./writer-calls.js";

/** Commits a batch. Throws StoreError. */
export function appendBatch(tables: Tables, batch: PackedAppend): AppendAnswer {
  const { journals, documents } = tables;
  const { packed, numbers, fenced } = planOf(tables, batch);
  if (packed.docs.length > 0) {
    const blocks = encodeBlocks(packed, journals.nextId);
    tables.transact(() => {
      numbers.forEach((doc, index) => {
        const name = batch.names[index];
        if (name !== undefined) documents.insert(doc, name);
      });
      journals.insert(blocks);
    });
    tables.nextDoc += numbers.length;
    for (const block of blocks) journals.committed(block);
  }
  return { numbers, fenced };
}

interface Plan {
  readonly packed: PackedRows;
  readonly numbers: readonly number[];
  readonly fenced: readonly number[];
}

/** Gives new documents their numbers, and rows the number of their document; 0 marks those that are fenced. */
function planOf(tables: Tables, { docs, counts, rows, texts }: PackedAppend): Plan {
  const rowDocs = new Int32Array(rows.length / ROW_BYTES);
  const numbers: number[] = [];
  const fenced: number[] = [];
  let row = 0;
  for (let entry = 0; entry < docs.length; entry++) {
    const end = row + (counts[entry] ?? 0);
    let doc = docs[entry] ?? 0;
    if (doc === 0) {
      doc = tables.nextDoc + numbers.length;
      numbers.push(doc);
    } else if (tables.reasonOf(doc) !== undefined) {
      fenced.push(entry);
      doc = 0;
    }
    while (row < end) rowDocs[row++] = doc;
  }
  const packed = { docs: rowDocs, rows, texts };
  return { packed: fenced.length === 0 ? packed : withoutFenced(packed), numbers, fenced };
}

/** Rare: a document went into quarantine while its owner had rows on the way. */
function withoutFenced({ docs, rows, texts }: PackedRows): PackedRows {
  const fixed = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const kept: { doc: number; row: Uint8Array; text: string }[] = [];
  let unit = 0;
  docs.forEach((doc, index) => {
    const start = index * ROW_BYTES;
    const units = fixed.getUint32(start + RowField.eventsEnd, true);
    const text = texts.slice(unit, unit + units);
    unit += units;
    if (doc !== 0) kept.push({ doc, row: rows.subarray(start, start + ROW_BYTES), text });
  });
  return {
    docs: Int32Array.from(kept, ({ doc }) => doc),
    rows: Buffer.concat(kept.map(({ row }) => row)),
    texts: kept.map(({ text }) => text).join(""),
  };
}
