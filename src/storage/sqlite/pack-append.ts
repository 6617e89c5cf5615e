// Packs a batch into flat arrays for the writer thread. It checks nothing: admission has.
import type { Transaction } from "../../document/document-store.js";
import type { OwnedRef } from "../owned-refs.js";
import { NUMBERS_PER_ROW, type PackedAppend, TEXTS_PER_ROW } from "./writer-calls.js";

/** What one owner commits. */
export interface PackEntry {
  readonly ref: OwnedRef;
  readonly transactions: readonly Transaction[];
}

/** `now` in Unix ms. */
export function packAppend(entries: readonly PackEntry[], now: number): PackedAppend {
  const rows = entries.reduce((sum, entry) => sum + entry.transactions.length, 0);
  const packed = {
    now,
    docs: Int32Array.from(entries, ({ ref }) => ref.doc),
    counts: Int32Array.from(entries, ({ transactions }) => transactions.length),
    names: entries.filter(({ ref }) => ref.doc === 0).map(({ ref }) => ref.name),
    numbers: new Float64Array(rows * NUMBERS_PER_ROW),
    texts: new Array<string | undefined>(rows * TEXTS_PER_ROW),
  };
  let row = 0;
  for (const { transactions } of entries) for (const transaction of transactions) packRow(packed, row++, transaction);
  return packed;
}

interface Rows {
  readonly numbers: Float64Array;
  readonly texts: (string | undefined)[];
}

function packRow({ numbers, texts }: Rows, row: number, transaction: Transaction): void {
  const at = row * NUMBERS_PER_ROW;
  const from = row * TEXTS_PER_ROW;
  const { request } = transaction;
  numbers[at] = transaction.seq;
  numbers[at + 1] = transaction.epoch;
  numbers[at + 2] = transaction.typeVersion;
  numbers[at + 3] = transaction.kind;
  numbers[at + 4] = transaction.at;
  texts[from] = transaction.subject;
  texts[from + 1] = transaction.operations;
  texts[from + 2] = transaction.events;
  texts[from + 3] = request?.client;
  texts[from + 4] = request?.result;
  if (request === undefined) return;
  numbers[at + 5] = request.n;
  numbers[at + 6] = request.low;
  numbers[at + 7] = request.born;
  numbers[at + 8] = request.hash;
}
