// What every DocumentStore promises. One suite, run over each implementation and over each in a hostile wrapper.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DocumentStore, Loaded } from "../../src/document/document-store.js";
import { TransactionKind } from "../../src/document/document-store.js";
import { InvariantError } from "../../src/runtime/invariant.js";
import { BORN, commitAll, DocumentDriver, type Draft, hashOf, named } from "./document-driver.js";
import { DocumentModel } from "./store-model.js";
import { runProgram, storePrograms } from "./store-programs.js";

/** A place where a store keeps things, and how to open one there. */
export interface StorePlace {
  /** Opens a store; the one opened before has been closed. */
  open(): Promise<DocumentStore>;
  /** Everything is closed by now. */
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /** Random programs to run. */
  readonly programs: number;
}

const many = (count: number, draft: (index: number) => Draft = () => ({})): Draft[] =>
  Array.from({ length: count }, (_, index) => draft(index));

const asking = (n: number, low = 0, result?: string): Draft => ({ request: { n, low, result } });

/** Registers the suite. `makePlace` gives a fresh, empty place each time. */
export function documentStoreContract(name: string, makePlace: () => StorePlace, options: ContractOptions): void {
  const seed = Number(process.env.TIDEMARK_SEED ?? Date.now() % 1_000_000_000);

  describe(`DocumentStore: ${name}`, () => {
    let place: StorePlace;
    let store: DocumentStore;
    const reopen = async (): Promise<DocumentStore> => {
      await store.close();
      store = await place.open();
      return store;
    };
    const driver = (key: string, type = "note", space = ""): DocumentDriver =>
      new DocumentDriver(store, named(key, type, space));

    beforeEach(async () => {
      place = makePlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });

    test("[R1] what was acknowledged is there after closing and opening", async () => {
      const model = new DocumentModel(driver("a"));
      await model.expectLoaded();
      await model.driver.commit(...many(3), { events: '[["said",{"text":"å"}]]', typeVersion: 2 });
      await model.expectLoaded();
      model.driver.moveTo(await reopen());
      await model.expectLoaded();
    });

    test("[R1] a batch over several documents is committed whole, also when its outcome was in doubt", async () => {
      const parts = ["a", "b", "c"].map((key) => ({ driver: driver(key), drafts: many(2) }));
      for (let round = 0; round < 40; round++) await commitAll(store, parts);
      await reopen();
      for (const part of parts) {
        part.driver.moveTo(store);
        await new DocumentModel(part.driver).expectLoaded();
      }
    });

    test("[R3] reads give contiguous rows within their bounds, and one row however large it is", async () => {
      const model = new DocumentModel(driver("a"));
      for (let round = 0; round < 9; round++) await model.driver.commit(...many(17));
      for (const after of [0, 1, 16, 17, 60, 152, 153, 500]) {
        for (const limit of [1, 20, 1_000]) {
          for (const bytesMax of [0, 50, 1e6]) await model.expectRead(store, { after, limit, bytesMax });
        }
      }
    });

    test("[R3] nothing can be read of a document that nobody has created", async () => {
      const { ref } = await store.load(named("nobody"));
      expect(await store.read(ref, { after: 0, limit: 10, bytesMax: 1e6 })).toEqual([]);
      expect(await store.epochAt(ref, 1)).toBeUndefined();
      expect(await store.receipts(ref, "ann", "c1")).toEqual({ low: 0, highest: 0, receipts: [] });
    });

    test("[R3] a transaction that skips or repeats a seq is a bug, and nothing of its batch is written", async () => {
      const [good, bad] = [driver("a"), driver("b")];
      await bad.commit({});
      for (const seq of [1, 3]) {
        const append = async () => {
          const [wrong] = await bad.next([{}]);
          if (wrong === undefined) throw new Error("no draft");
          return store.append([
            { ref: (await good.owner()).ref, transactions: await good.next([{}]) },
            { ref: (await bad.owner()).ref, transactions: [{ ...wrong, seq }] },
          ]);
        };
        await expect(untilAnswered(store, append, [good, bad])).rejects.toThrow(InvariantError);
      }
      await new DocumentModel(good).expectLoaded();
      await new DocumentModel(bad).expectLoaded();
    });

    test("[R9] each opening has an epoch of its own, written on its rows and found by seq", async () => {
      const model = new DocumentModel(driver("a"));
      for (let opening = 0; opening < 4; opening++) {
        await model.driver.commit(...many(30));
        model.driver.moveTo(await reopen());
      }
      const epochs = [...new Set(model.driver.committed.map(({ epoch }) => epoch))];
      expect(epochs).toHaveLength(4);
      expect(epochs).toEqual(epochs.toSorted((left, right) => left - right));
      for (const seq of [0, 1, 30, 31, 60, 61, 120, 121]) await model.expectEpochAt(store, seq);
    });

    test("[R9] whoever loads a document owns it: the owner before can never commit again", async () => {
      const [former, other] = [driver("a"), driver("b")];
      await former.commit({});
      const { ref } = await former.owner();
      const transactions = await former.next([{}]);
      const current = await store.load(former.name);
      const append = async () => {
        const own = { ref: (await other.owner()).ref, transactions: await other.next([{}]) };
        return store.append([{ ref, transactions }, own]);
      };
      expect((await untilAnswered(store, append, [other])) ?? ["fenced", "committed"]).toEqual(["fenced", "committed"]);
      expect(current).toMatchObject({ status: "live", head: { seq: 1 } });
      expect(await store.epochAt(current.ref, 2)).toBeUndefined();
      await expect(store.saveSnapshot(ref, { seq: 1, epoch: 1, typeVersion: 1, body: "{}" })).rejects.toThrow();
    });

    test("[R9] rows of another epoch are fenced", async () => {
      const document = driver("a");
      const [row] = await document.next([{}]);
      if (row === undefined) throw new Error("no draft");
      const append = async () =>
        store.append([{ ref: (await document.owner()).ref, transactions: [{ ...row, epoch: row.epoch - 1 }] }]);
      expect(await untilAnswered(store, append, [document])).toEqual(["fenced"]);
      await new DocumentModel(document).expectLoaded();
    });

    test("[R9] a ref is dead after its release", async () => {
      const { ref } = await store.load(named("a"));
      store.release(ref);
      await expect(Promise.resolve().then(() => store.read(ref, { after: 0, limit: 1, bytesMax: 1 }))).rejects.toThrow(
        InvariantError,
      );
    });

    test("[R6] a receipt is committed with its transaction and answers a repeat with the same words", async () => {
      const model = new DocumentModel(driver("a"));
      await model.driver.commit(asking(1, 1, '{"id":"å"}'), asking(2, 1), asking(3, 1, "null"));
      const check = async () => {
        const { receipts } = await store.receipts((await model.driver.owner()).ref, "ann", "c1");
        expect(receipts.map(({ n, seq, result }) => [n, seq, result])).toEqual([
          [1, 1, '{"id":"å"}'],
          [2, 2, undefined],
          [3, 3, "null"],
        ]);
        expect(receipts.map(({ hash }) => hash)).toEqual([1, 2, 3].map(hashOf));
        await model.expectReceipts(store, "ann", "c1");
      };
      await check();
      model.driver.moveTo(await reopen());
      await check();
    });

    test("[R6] receipts below the greatest low are settled; the one with the greatest n always stays", async () => {
      const model = new DocumentModel(driver("a"));
      await model.driver.commit(asking(1, 1), asking(2, 1), asking(5, 3), asking(6, 2));
      const { ref } = await model.driver.owner();
      expect(await store.receipts(ref, "ann", "c1")).toMatchObject({
        low: 3,
        highest: 6,
        receipts: [{ n: 5 }, { n: 6 }],
      });
      // A low above n is nonsense of a client; it settles everything but the newest.
      await model.driver.commit(asking(7, 100), ...many(120, (index) => asking(8 + index, 0)));
      const all = await store.receipts((await model.driver.owner()).ref, "ann", "c1");
      expect(all).toMatchObject({ low: 100, highest: 127 });
      await model.expectReceipts(store, "ann", "c1");
    });

    test("[R6] receipts are kept apart by document, subject and client", async () => {
      const models = ["a", "b"].map((key) => new DocumentModel(driver(key)));
      for (const { driver: one } of models) {
        for (const subject of ["ann", "bob"]) {
          for (const client of ["c1", "c2"])
            await one.commit({ request: { subject, client, n: 1, result: `"${subject}"` } });
        }
      }
      for (const model of models) {
        for (const [subject, client] of [
          ["ann", "c2"],
          ["bob", "c1"],
          ["eve", "c1"],
        ] as const) {
          await model.expectReceipts(store, subject, client);
        }
      }
    });

    test("[R6] a document that is deleted keeps its receipts and goes on from its tombstone", async () => {
      const model = new DocumentModel(driver("a"));
      await model.driver.commit(...many(70, (index) => asking(index + 1)));
      await model.driver.commit({ kind: TransactionKind.delete, operations: "[]", request: { n: 71 } });
      await model.expectLoaded();
      model.driver.moveTo(await reopen());
      await model.expectLoaded();
      await model.driver.commit({ kind: TransactionKind.create, request: { n: 72 } });
      await model.expectLoaded();
      await model.expectReceipts(store, "ann", "c1");
      expect(model.driver.head).toBe(72);
    });

    test("[R1] a row is of the kind that it was written as", async () => {
      const model = new DocumentModel(driver("a"));
      const kinds = Object.values(TransactionKind).filter((kind) => kind !== TransactionKind.delete);
      await model.driver.commit(
        ...many(70, (index) => ({ kind: kinds[index % kinds.length] ?? TransactionKind.left })),
      );
      await model.expectLoaded();
      model.driver.moveTo(await reopen());
      await model.expectLoaded();
      await model.expectRead(store, { after: 0, limit: 100, bytesMax: 1_000_000 });
    });

    test("[R4] a snapshot shortens the tail, and an older one never replaces it", async () => {
      const model = new DocumentModel(driver("a"));
      await model.driver.commit(...many(80));
      for (const seq of [40, 39, 80, 40]) {
        await model.saveSnapshot(store, seq);
        await model.expectLoaded();
      }
      await model.driver.commit(...many(3));
      model.driver.moveTo(await reopen());
      await model.expectLoaded();
    });

    test("trim forgets old rows where the tighter bound asks for it, and never what no snapshot covers", async () => {
      const model = new DocumentModel(driver("a"));
      for (let round = 0; round < 10; round++) await model.driver.commit(...many(30));
      const everything = { deltas: 0, since: BORN + 1e6 };
      await model.trim(store, everything);
      expect(model.first).toBe(1);
      await model.saveSnapshot(store, 200);
      await model.trim(store, { deltas: 1e6, since: 0 });
      expect(model.first).toBe(1);
      await model.trim(store, { deltas: 200, since: 0 });
      const byCount = model.first;
      expect(byCount).toBeGreaterThan(1);
      await model.trim(store, { deltas: 1e6, since: BORN + 1e6 });
      expect(model.first).toBeGreaterThan(byCount);
      await model.trim(store, everything);
      await model.expectLoaded();
      await model.expectRead(store, { after: 0, limit: 1_000, bytesMax: 1e6 });
      for (const seq of [1, model.first - 1, model.first]) await model.expectEpochAt(store, seq);
      model.driver.moveTo(await reopen());
      await model.driver.commit({});
      await model.expectLoaded();
    });

    test("[R18] list pages through the live keys of one type and space in byte order", async () => {
      const keys = ["~", "a", "B", "a.b", "a-b", "_", "0", "aa"];
      for (const key of keys) await driver(key).commit({});
      await driver("other", "board").commit({});
      await driver("other", "note", "tenant").commit({});
      const gone = driver("gone");
      await gone.commit({}, { kind: TransactionKind.delete });
      const listed: string[] = [];
      for (let after: string | undefined = ""; after !== undefined; ) {
        const page = await store.list({ space: "", type: "note", after, limit: 3 });
        listed.push(...page.keys);
        after = page.next;
      }
      expect(listed).toEqual(keys.toSorted());
      expect(await store.list({ space: "tenant", type: "note", after: "", limit: 5 })).toEqual({
        keys: ["other"],
        next: undefined,
      });
    });

    test(`[R1] [R3] [R4] [R6] random programs agree with the model, seed ${seed}`, { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(storePrograms, async (program) => {
          await store.close();
          await place.dispose();
          place = makePlace();
          store = await place.open();
          await runProgram(program, reopen);
        }),
        // Shrinking reopens files for minutes: the seed repeats the failure, TIDEMARK_SHRINK makes it small.
        { numRuns: options.programs, seed, endOnFailure: process.env.TIDEMARK_SHRINK === undefined },
      );
    });
  });
}

/** Runs an append until the store does not refuse it; owners are found anew after a doubt. Undefined: the store never
 * said, but it was committed. */
async function untilAnswered<T>(
  store: DocumentStore,
  append: () => Promise<T>,
  drivers: readonly DocumentDriver[],
): Promise<T | undefined> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await append();
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      for (const one of drivers) if (headOf(await one.load()) !== one.head) return undefined;
    }
  }
  throw new Error(`${store.constructor.name} refused a hundred times`);
}

const headOf = (loaded: Loaded): number => ("head" in loaded ? loaded.head.seq : 0);
