// Rows on their way from the main thread into the bytes of a journal and back.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Transaction } from "../../../../src/document/document-store.js";
import { OwnedRefs } from "../../../../src/storage/owned-refs.js";
import { encodeBlocks } from "../../../../src/storage/sqlite/encode-block.js";
import { packAppend } from "../../../../src/storage/sqlite/pack-append.js";
import { RowBlock } from "../../../../src/storage/sqlite/row-block.js";
import { ROW_BYTES } from "../../../../src/storage/sqlite/row-layout.js";

const seed = Number(process.env.TIDEMARK_SEED ?? Date.now() % 1_000_000_000);

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), lonelySurrogates());
const integer = fc.maxSafeNat();
const transaction: fc.Arbitrary<Transaction> = fc
  .record({
    row: fc.record({
      ...{ seq: integer, epoch: integer, typeVersion: integer, at: integer },
      ...{ kind: fc.constantFrom(1, 2, 3), subject: text, operations: text },
      events: fc.option(text, { nil: undefined }),
    }),
    asked: fc.option(
      fc.record({
        ...{ client: text, n: integer, low: integer, born: integer, hash: integer },
        result: fc.option(text, { nil: undefined }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ row, asked }) => ({ ...row, request: asked && { ...asked, subject: row.subject } }));

/** Halves of surrogate pairs, which must not find each other where two texts meet. */
function lonelySurrogates(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom("\ud83d", "\ude00", "a"), { maxLength: 3 }).map((parts) => parts.join(""));
}

const FIRST_ID = 2 ** 33 - 1;

function blocksOf(transactions: readonly Transaction[]): RowBlock[] {
  const ref = new OwnedRefs().claim({ space: "", type: "note", key: "a" }, 1);
  const { rows, texts } = structuredClone(packAppend([{ ref, transactions }], 0));
  return encodeBlocks({ docs: Int32Array.from(transactions, (_, index) => index + 7), rows, texts }, FIRST_ID);
}

const stored = (value: string): string => Buffer.from(value, "utf8").toString("utf8");
const storedOr = <T>(value: string | undefined, otherwise: T): string | T =>
  value === undefined ? otherwise : stored(value);

/** What must be read of a transaction. */
function expected({ request, ...row }: Transaction): { log: unknown; receipt: unknown; client: unknown } {
  const { seq, epoch } = row;
  const texts = { subject: stored(row.subject), operations: stored(row.operations) };
  const receipt = request && {
    ...{ n: request.n, low: request.low, seq, epoch, born: request.born, hash: request.hash },
    result: storedOr(request.result, null),
  };
  const log = { ...row, ...texts, events: storedOr(row.events, undefined) };
  return { log, receipt, client: storedOr(request?.client, undefined) };
}

describe("a block of rows", () => {
  test(`gives back what was packed, text by text, seed ${seed}`, () => {
    fc.assert(
      fc.property(fc.array(transaction, { minLength: 1, maxLength: 6 }), (transactions) => {
        const [block] = blocksOf(transactions);
        expect(block?.count).toBe(transactions.length);
        transactions.forEach((one, index) => {
          const row = block?.verified(index);
          expect(row?.doc).toBe(index + 7);
          const receipt = row?.answers ? row.toReceipt(row.low) : undefined;
          const client = row?.answers ? row.client : undefined;
          expect({ log: row?.toLogRow(), receipt, client }).toEqual(expected(one));
        });
      }),
      { numRuns: 500, seed },
    );
  });

  test(`[R12] a flipped bit anywhere is noticed by the row it belongs to and by no other, seed ${seed}`, () => {
    fc.assert(
      fc.property(fc.array(transaction, { minLength: 2, maxLength: 4 }), (transactions) => {
        const [block] = blocksOf(transactions);
        if (block === undefined) return false;
        const all = Array.from(transactions, (_, index) => index);
        for (let at = 0; at < block.bytes.length; at++) {
          const owner = all.find((index) => covers(block, index, at));
          block.bytes[at] = (block.bytes[at] ?? 0) ^ (1 << (at % 8));
          const noticed = all.filter((index) => block.verified(index) === undefined);
          block.bytes[at] = (block.bytes[at] ?? 0) ^ (1 << (at % 8));
          if (noticed.length !== 1 || noticed[0] !== owner) return false;
        }
        return true;
      }),
      { numRuns: 100, seed },
    );
  });

  test("[R12] a row is not believed under another id", () => {
    const [block] = blocksOf(fc.sample(transaction, { numRuns: 3, seed }));
    if (block === undefined) throw new Error("no block");
    for (const firstId of [FIRST_ID - 1, FIRST_ID + 1, FIRST_ID + 2 ** 32, FIRST_ID - 2 ** 32]) {
      const moved = new RowBlock(firstId, block.count, block.bytes);
      expect([0, 1, 2].filter((index) => moved.verified(index) !== undefined)).toEqual([]);
    }
  });

  test("a large batch is cut into blocks whose ids follow each other", () => {
    const row = {
      epoch: 1,
      typeVersion: 1,
      kind: 1,
      at: 1,
      subject: "å",
      events: undefined,
      request: undefined,
    } as const;
    const transactions = Array.from({ length: 1_500 }, (_, index) => ({
      ...{ ...row, seq: index + 1 },
      operations: index === 700 ? "x".repeat(1_000_000) : "y".repeat(index),
    }));
    const blocks = blocksOf(transactions);
    expect(blocks.length).toBeGreaterThan(5);
    let id = FIRST_ID;
    for (const block of blocks) {
      expect(block.firstId).toBe(id);
      for (let index = 0; index < block.count; index++, id++) {
        expect(block.verified(index)?.toLogRow()).toEqual({
          ...row,
          ...transactions[id - FIRST_ID],
          request: undefined,
        });
      }
    }
    expect(id - FIRST_ID).toBe(transactions.length);
    expect(blocks.filter(({ bytes }) => bytes.length > 300_000)).toHaveLength(1);
  });
});

/** Whether a byte is part of a row. */
function covers(block: RowBlock, index: number, at: number): boolean {
  const { start, textAt, textBytes } = block.row(index);
  return (at >= start && at < start + ROW_BYTES) || (at >= textAt && at < textAt + textBytes);
}
