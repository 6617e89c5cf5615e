import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TransactionKind } from "../../../../src/document/document-store.js";
import { OwnedRefs } from "../../../../src/storage/owned-refs.js";
import { type OpenedEngine, openEngine } from "../../../../src/storage/sqlite/open-engine.js";
import { packAppend } from "../../../../src/storage/sqlite/pack-append.js";
import type { WriterEvent } from "../../../../src/storage/sqlite/writer-calls.js";
import { BORN, commitAll } from "../../../contract/document-driver.js";
import { DocumentModel } from "../../../contract/store-model.js";
import { asked, drivers, Folder, nearBirths, settled } from "./sqlite-files.js";

const DAY_MS = 86_400_000;

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

describe("the fold of a SQLite store", () => {
  test("[R1] [R6] a crash after any slice loses nothing, and the fold goes on from there", {
    timeout: 120_000,
  }, async () => {
    const models = await unfolded(["a", "b", "c", "d"], 2_300);
    const opened = engineOn(folder);
    await turnJournals(opened);
    let slices = 0;
    while (opened.engine.foldPending) {
      await expectCrashHarmless(models, slices++);
      opened.engine.fold({ now: BORN });
    }
    await expectCrashHarmless(models, slices);
    expect(slices).toBeGreaterThan(3);
    opened.close();
  });

  test("[R1] rows that are folded and still in the journal are neither served twice nor folded twice", async () => {
    const models = await unfolded(["a"], 4_000);
    const opened = engineOn(folder);
    await turnJournals(opened);
    opened.engine.fold({ now: BORN });
    const crashed = folder.copy();
    opened.close();
    const store = await crashed.open();
    const [driver] = drivers(store, "other");
    await driver?.commit(...asked(60));
    await settled(store);
    expect((await store.facts()).folds).toBeGreaterThan(0);
    expect(crashed.sql("SELECT sum(count) AS rows FROM segments WHERE doc = 1")).toEqual([{ rows: 4_000 }]);
    for (const model of models) {
      model.driver.moveTo(store);
      await model.expectLoaded();
    }
    await store.close();
    crashed.remove();
  });

  test("[R15] a slice is bounded by its documents too: a commit waits for no thousand of them", async () => {
    await unfolded(
      Array.from({ length: 1_000 }, (_, index) => `k${index}`),
      1,
    );
    const opened = engineOn(folder);
    await turnJournals(opened);
    const folded: number[] = [];
    while (opened.engine.foldPending) {
      opened.engine.fold({ now: BORN });
      folded.push(folder.sql("SELECT id FROM segments").length);
    }
    expect(folded).toEqual([400, 800, 1_001, 1_001]);
    opened.close();
  });

  test("one window of one document is one segment row per epoch and type version", async () => {
    const store = await folder.open();
    const [a, b] = drivers(store, "a", "b");
    if (a === undefined || b === undefined) return;
    for (let round = 0; round < 10; round++) {
      await commitAll(store, [
        { driver: a, drafts: asked(2, round * 2 + 1) },
        { driver: b, drafts: [{ typeVersion: 1 + Math.floor(round / 5) }, {}, {}].slice(0, 1) },
      ]);
    }
    await a.commit(...asked(30, 30));
    await settled(store);
    expect(folder.sql("SELECT doc, first_seq, last_seq, tv FROM segments ORDER BY doc, last_seq")).toEqual([
      { doc: 1, first_seq: 1, last_seq: 50, tv: 1 },
      { doc: 2, first_seq: 1, last_seq: 5, tv: 1 },
      { doc: 2, first_seq: 6, last_seq: 10, tv: 2 },
    ]);
    expect((await store.facts()).unfoldedRows).toBe(0);
    await store.close();
  });

  test("[R14] folding keeps the file's journals bounded, however much is written", async () => {
    const store = await folder.open();
    const [a] = drivers(store, "a");
    for (let round = 0; round < 60; round++) {
      await a?.commit(...asked(10, round * 10 + 1));
      expect((await store.facts()).unfoldedRows).toBeLessThan(130);
    }
    await store.close();
  });

  test("[R6] receipts past the horizon go, and no other", async () => {
    let now = BORN;
    const store = await folder.open({ runtime: { ...nearBirths, now: () => now } });
    const [a] = drivers(store, "a");
    if (a === undefined) return;
    const call = (client: string, born: number) => ({ request: { n: 1, client, born } });
    await a.commit(call("old", BORN), call("young", BORN + 2 * DAY_MS), ...asked(50));
    await settled(store);
    now = BORN + 9 * DAY_MS;
    await a.commit(...Array.from({ length: 60 }, (_, index) => call(`c${index}`, now)));
    await settled(store);
    const { ref } = await a.owner();
    expect(await store.receipts(ref, "ann", "old")).toEqual({ low: 0, highest: 0, receipts: [] });
    expect(await store.receipts(ref, "ann", "young")).toMatchObject({ highest: 1, receipts: [{ n: 1 }] });
    expect(await store.receipts(ref, "ann", "c7")).toMatchObject({ highest: 1, receipts: [{ n: 1 }] });
    await store.close();
  });

  test("[R6] settled receipts are gone from the file after the fold", async () => {
    const store = await folder.open();
    const [a] = drivers(store, "a");
    await a?.commit(...asked(120));
    await settled(store);
    expect(folder.sql("SELECT n, low FROM receipts")).toEqual([{ n: 120, low: 120 }]);
    await store.close();
  });

  /** A file whose journal holds `count` rows of each key. */
  async function unfolded(keys: readonly string[], count: number): Promise<DocumentModel[]> {
    const store = await folder.open({ foldRows: 1e9 });
    const models = drivers(store, ...keys).map((driver) => new DocumentModel(driver));
    await commitAll(
      store,
      models.map(({ driver }) => ({ driver, drafts: asked(count) })),
    );
    await store.close();
    return models;
  }

  function engineOn(on: Folder): OpenedEngine {
    const events: WriterEvent[] = [];
    const settings = {
      ...{ file: on.file, now: BORN, random: 0.5, foldRows: 1, foldBytes: 1e9 },
      ...{ receiptKeepMs: 8 * DAY_MS, freeBytesMin: 0 },
    };
    return openEngine(settings, (event) => events.push(event));
  }

  /** One more row fills the journal, so that it is to be folded. */
  async function turnJournals({ engine, generation }: OpenedEngine): Promise<void> {
    const ref = new OwnedRefs().claim({ space: "", type: "x", key: "y" }, generation);
    const row = { seq: 1, epoch: generation, typeVersion: 1, kind: TransactionKind.create, at: BORN, subject: "ann" };
    const transactions = [{ ...row, operations: "[]", events: undefined, request: undefined }];
    engine.append(packAppend([{ ref, transactions }], BORN));
  }

  async function expectCrashHarmless(models: readonly DocumentModel[], slice: number): Promise<void> {
    const crashed = folder.copy();
    const store = await crashed.open({ foldRows: slice % 2 === 0 ? 1 : 1e9 });
    for (const { driver } of models) driver.moveTo(store);
    await drivers(store, "more")[0]?.commit({});
    await settled(store);
    for (const model of models) {
      await model.expectLoaded();
      await model.expectReceipts(store, "ann", "c1");
    }
    await store.close();
    crashed.remove();
  }
});
