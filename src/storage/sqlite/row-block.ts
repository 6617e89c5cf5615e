// Rows that one commit put into a journal, side by side as bytes: their fixed parts, then their texts. It gives rows out
// as bytes until somebody wants to read one, and believes none before it is verified.
import type { LogRow, TransactionKind } from "../../document/document-store.js";
import { TransactionKind as Kinds } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import type { Receipt } from "./receipts.js";
import { HAS_CLIENT, HAS_EVENTS, HAS_RESULT, ROW_BYTES, RowField } from "./row-layout.js";
import { avalanche, mixBytes, mixInteger, sameBytes } from "./words.js";

/** A block of rows with consecutive ids. */
export class RowBlock {
  readonly firstId: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  /** `bytes` hold at least `count` fixed parts. */
  constructor(firstId: number, count: number, bytes: Uint8Array) {
    this.firstId = firstId;
    this.count = count;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  row(index: number): Row {
    return new Row(this, index * ROW_BYTES);
  }

  /** The row, if it is what was written under its id. */
  verified(index: number): Row | undefined {
    const row = this.row(index);
    if (row.textAt + row.textBytes > this.bytes.length) return undefined;
    return this.view.getUint32(row.start + RowField.check, true) === this.#check(index, row) ? row : undefined;
  }

  /** Completes rows whose fields and texts are in place. */
  seal(): void {
    for (let index = 0; index < this.count; index++) {
      const row = this.row(index);
      this.view.setUint32(row.start + RowField.check, this.#check(index, row), true);
    }
  }

  #check(index: number, { start, textAt, textBytes }: Row): number {
    const fixed = mixBytes(mixInteger(this.firstId + index), this.view, start + RowField.doc, start + ROW_BYTES);
    return avalanche(mixBytes(fixed, this.view, textAt, textAt + textBytes));
  }
}

/** A row in its block. */
export class Row {
  readonly block: RowBlock;
  /** Where its fixed part begins. */
  readonly start: number;

  constructor(block: RowBlock, start: number) {
    this.block = block;
    this.start = start;
  }

  get doc(): number {
    return this.#integer(RowField.doc);
  }

  get kind(): number {
    return this.#integer(RowField.kind) & 0xff;
  }

  get seq(): number {
    return this.#number(RowField.seq);
  }

  get epoch(): number {
    return this.#number(RowField.epoch);
  }

  get typeVersion(): number {
    return this.#number(RowField.typeVersion);
  }

  get at(): number {
    return this.#number(RowField.at);
  }

  /** Whether it answers a request, which `n`, `low` and `client` are of. */
  get answers(): boolean {
    return (this.#integer(RowField.kind) & HAS_CLIENT) !== 0;
  }

  get hasEvents(): boolean {
    return (this.#integer(RowField.kind) & HAS_EVENTS) !== 0;
  }

  get n(): number {
    return this.#number(RowField.n);
  }

  get low(): number {
    return this.#number(RowField.low);
  }

  get client(): string {
    return this.#text(0, this.#integer(RowField.clientEnd));
  }

  get subject(): string {
    return this.#text(this.logStart, this.subjectEnd);
  }

  get textAt(): number {
    return this.#integer(RowField.textAt);
  }

  /** Where the texts of the log begin and end, counted from `textAt`: subject, operations and events. */
  get logStart(): number {
    return this.#integer(RowField.resultEnd);
  }

  get subjectEnd(): number {
    return this.#integer(RowField.subjectEnd);
  }

  get operationsEnd(): number {
    return this.#integer(RowField.operationsEnd);
  }

  get textBytes(): number {
    return this.#integer(RowField.eventsEnd);
  }

  /** Whether both answer the same client of the same subject. */
  sameAsker(other: Row): boolean {
    const client = this.#integer(RowField.clientEnd);
    const subject = this.subjectEnd - this.logStart;
    if (client !== other.#integer(RowField.clientEnd) || subject !== other.subjectEnd - other.logStart) return false;
    return this.#sameText(0, other, 0, client) && this.#sameText(this.logStart, other, other.logStart, subject);
  }

  /** Throws DamageError for a kind that was never written. */
  toLogRow(): LogRow {
    return {
      seq: this.seq,
      epoch: this.epoch,
      typeVersion: this.typeVersion,
      kind: transactionKind(this.kind),
      at: this.at,
      subject: this.subject,
      operations: this.#text(this.subjectEnd, this.operationsEnd),
      events: this.hasEvents ? this.#text(this.operationsEnd, this.textBytes) : undefined,
    };
  }

  /** The receipt of the request that it answers; `low` may have risen since. */
  toReceipt(low: number): Receipt {
    const hasResult = (this.#integer(RowField.kind) & HAS_RESULT) !== 0;
    return {
      n: this.n,
      low,
      seq: this.seq,
      epoch: this.epoch,
      born: this.#number(RowField.born),
      hash: this.#number(RowField.hash),
      result: hasResult ? this.#text(this.#integer(RowField.clientEnd), this.logStart) : null,
    };
  }

  #integer(field: number): number {
    return this.block.view.getUint32(this.start + field, true);
  }

  #number(field: number): number {
    return this.block.view.getFloat64(this.start + field, true);
  }

  #sameText(from: number, other: Row, otherFrom: number, length: number): boolean {
    const left = { view: this.block.view, at: this.textAt + from };
    return sameBytes(left, { view: other.block.view, at: other.textAt + otherFrom }, length);
  }

  #text(from: number, to: number): string {
    const { buffer, byteOffset } = this.block.bytes;
    return Buffer.from(buffer, byteOffset + this.textAt + from, to - from).toString("utf8");
  }
}

const KINDS = Object.values(Kinds);

/** Narrows a stored kind. Throws DamageError for one that was never written. */
export function transactionKind(value: number): TransactionKind {
  const kind = KINDS.find((one) => one === value);
  if (kind !== undefined) return kind;
  throw new DamageError(`a row says it is of kind ${value}`);
}
