import { readFileSync, writeFileSync } from "node:fs";
import { OperatorError } from "@tidemark/protocol";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "../../../../src/document/document-store.js";
import { HAS_RESULT, RowField } from "../../../../src/storage/sqlite/row-layout.js";
import type { StoreEvent } from "../../../../src/storage/sqlite/writer-client.js";
import { commitAll, type DocumentDriver, named } from "../../../contract/document-driver.js";
import { DocumentModel } from "../../../contract/store-model.js";
import { JournalBytes, type RowBytes, type StoredRow } from "./journal-bytes.js";
import { asked, drivers, Folder, settled } from "./sqlite-files.js";

const KEYS = ["alpha", "beta", "gamma"];

let folder: Folder;
let models: DocumentModel[];
beforeEach(async () => {
  folder = new Folder();
  models = await fill(folder);
});
afterEach(() => folder.remove());

/** Three documents with folded rows, receipts, a snapshot each, and rows in a journal. */
async function fill(into: Folder): Promise<DocumentModel[]> {
  const store = await into.open({ foldRows: 60 });
  const filled = drivers(store, ...KEYS).map((driver) => new DocumentModel(driver));
  for (let round = 0; round < 2; round++) {
    for (const { driver } of filled) await driver.commit(...asked(10, round * 10 + 1));
  }
  await settled(store);
  for (const model of filled) await model.saveSnapshot(store, 12);
  for (let round = 0; round < 4; round++) {
    for (const { driver } of filled) await driver.commit(...asked(2, 21 + round * 2));
  }
  expect(await store.facts()).toMatchObject({ folds: 1, unfoldedRows: 24 });
  await store.close();
  return filled;
}

/** Opens the file and says of each document whether it serves exactly what was written, or is in quarantine. */
async function fates(of: Folder, expected: readonly DocumentModel[]): Promise<Map<string, string>> {
  const events: StoreEvent[] = [];
  const store = await of.open({ onEvent: (event) => events.push(event) });
  const found = new Map<string, string>();
  for (const model of expected) {
    model.driver.moveTo(store);
    found.set(model.driver.name.key, await fate(model));
  }
  await store.close();
  return found;

  async function fate(model: DocumentModel): Promise<string> {
    try {
      const loaded = await model.driver.load();
      if (loaded.status === "quarantined") return quarantined(model.driver, loaded.reason);
      // A snapshot can be lost without harm while the log it shortens is whole.
      if (loaded.status === "live" && loaded.snapshot === undefined) {
        expect(loaded.tail).toEqual(model.driver.rows);
      } else await model.expectLoaded();
      await model.expectRead(store, WHOLE);
      await model.expectReceipts(store, "ann", "c1");
      return "serves";
    } catch (error) {
      // A read met the damage: from then on the document is out of service.
      if (!(error instanceof StoreError)) throw error;
      const again = await model.driver.load();
      if (again.status !== "quarantined") throw error;
      return quarantined(model.driver, again.reason);
    }
  }

  async function quarantined(driver: DocumentDriver, reason: string): Promise<string> {
    expect(reason.length).toBeGreaterThan(5);
    const { ref } = await driver.owner();
    const transactions = await driver.next([{}]);
    expect(await store.append([{ ref, transactions }])).toEqual(["fenced"]);
    return "quarantined";
  }
}

const WHOLE = { after: 0, limit: 1_000, bytesMax: 1e9 };

const never = (): never => {
  throw new Error("there is no such document");
};

const docOf = (key: string): number => KEYS.indexOf(key) + 1;

describe("damage in a SQLite store", () => {
  const changes: [string, string][] = [
    ["docs", "status = 'deleted'"],
    ["docs", "head = head - 1"],
    ["docs", "crc = crc + 1"],
    ["snapshots", "body = replace(body, '12', '13')"],
    ["snapshots", "seq = seq + 1"],
    ["segments", "body = CAST(replace(CAST(body AS TEXT), '/n', '/m') AS BLOB)"],
    ["segments", "epoch = epoch + 1"],
    ["segments", "first_seq = first_seq + 1"],
    ["receipts", "result = '\"forged\"'"],
    ["receipts", "n = n + 1"],
    ["receipts", "client = 'c9'"],
  ];
  test.each(changes)(
    "[R12] a change in %s (%s) takes that document out of service and no other",
    async (table, set) => {
      const changed = folder.sql(`UPDATE ${table} SET ${set} WHERE doc = ? RETURNING doc`, docOf("beta"));
      expect(changed.length).toBeGreaterThan(0);
      const found = await fates(folder, models);
      expect(Object.fromEntries(found)).toEqual({ alpha: "serves", beta: "quarantined", gamma: "serves" });
    },
  );

  const rowChanges: [string, (bytes: RowBytes) => void][] = [
    ["a text", ({ texts }) => texts.write("!", texts.length - 2)],
    ["seq + 1", ({ fixed }) => fixed.writeDoubleLE(fixed.readDoubleLE(RowField.seq) + 1, RowField.seq)],
    ["epoch = 1", ({ fixed }) => fixed.writeDoubleLE(1, RowField.epoch)],
    ["no result", ({ fixed }) => fixed.writeUInt32LE(fixed.readUInt32LE(RowField.kind) & ~HAS_RESULT, RowField.kind)],
    ["another document", ({ fixed }) => fixed.writeUInt32LE(1 + (fixed.readUInt32LE(RowField.doc) % 3), RowField.doc)],
    ["no document", ({ fixed }) => fixed.writeUInt32LE(77, RowField.doc)],
    ["no end of its texts", ({ fixed }) => fixed.writeUInt32LE(0xff_ff_ff_f0, RowField.eventsEnd)],
    ["texts elsewhere", ({ fixed }) => fixed.writeUInt32LE(0, RowField.textAt)],
    ["the checksum", ({ fixed }) => fixed.writeUInt32LE(1, RowField.check)],
    ["everything", ({ fixed, texts }) => [fixed, texts].map((bytes) => bytes.fill(0))],
  ];
  test.each(rowChanges)("[R12] a change in a journal row (%s) is pinned on its document", async (_, change) => {
    const rows = new JournalBytes(folder).rows();
    for (const nth of [0, 1, 2, 8, 21, rows.length - 1]) {
      const copy = folder.copy();
      const row = rows[nth];
      if (row === undefined) throw new Error("no row");
      new JournalBytes(copy).change(row, change);
      expect(victims(await fates(copy, models)), `row ${nth}`).toEqual([KEYS[row.doc - 1]]);
      copy.remove();
    }
  });

  test("[R12] of a commit to several documents, one damaged row is pinned on its document alone", async () => {
    await commitTogether(folder, models);
    const rows = new JournalBytes(folder).rows().slice(-6);
    expect(new Set(rows.map(({ block }) => block)).size).toBe(1);
    for (const row of rows) {
      const copy = folder.copy();
      new JournalBytes(copy).change(row, ({ texts }) => texts.write("!", 3));
      expect(victims(await fates(copy, models))).toEqual([KEYS[row.doc - 1]]);
      copy.remove();
    }
  });

  test("[R12] a block that is gone takes out of service exactly the documents it had rows of", async () => {
    await commitTogether(folder, models.slice(0, 2));
    await commitTogether(folder, models.slice(2));
    const [together, last] = new JournalBytes(folder).blocks().slice(-2);
    if (together === undefined || last === undefined) throw new Error("no blocks");
    new JournalBytes(folder).remove(together);
    expect(victims(await fates(folder, models))).toEqual(KEYS.slice(0, 2));
  });

  const headChanges = ["docs = zeroblob(length(docs))", "prev = zeroblob(length(prev))", "docs = ''", "crc = crc + 1"];
  test.each(headChanges)("[R12] a block serves its rows without its head (%s)", async (set) => {
    for (const block of new JournalBytes(folder).blocks()) {
      const copy = folder.copy();
      new JournalBytes(copy).changeBlock(block, set);
      expect(victims(await fates(copy, models))).toEqual([]);
      copy.remove();
    }
  });

  test.each(headChanges)(
    "[R12] where head (%s) and a row are damaged, the next block knows whose row it was",
    async (set) => {
      const journal = new JournalBytes(folder);
      const last = journal.blocks().at(-1);
      for (const row of journal.rows()) {
        const copy = folder.copy();
        const bytes = new JournalBytes(copy);
        bytes.changeBlock(row.block, set);
        bytes.change(row, ({ fixed }) => fixed.fill(0));
        const found = await fates(copy, models).catch((error: unknown) => error);
        // Of the last block's row nobody knows whose it was.
        if (row.block === last) expect(found).toMatchObject({ code: "database_damaged" });
        else expect(found instanceof Map && victims(found)).toEqual([KEYS[row.doc - 1]]);
        copy.remove();
      }
    },
  );

  test("[R12] a journal block that is gone is noticed, at the end of its document too", async () => {
    const journal = new JournalBytes(folder);
    for (const block of journal.blocks().slice(0, -1)) {
      const copy = folder.copy();
      new JournalBytes(copy).remove(block);
      expect(victims(await fates(copy, models))).toEqual([ownerOf(journal.rows(), block)]);
      copy.remove();
    }
  });

  test("[R12] rows lost in a run are never passed over: gaps show whose they were, or the file is refused", async () => {
    const journal = new JournalBytes(folder);
    const blocks = journal.blocks();
    for (const length of [2, 3, 5, 8]) {
      for (let from = 0; from + length < blocks.length; from++) {
        const copy = folder.copy();
        const gone = blocks.slice(from, from + length);
        new JournalBytes(copy).remove(...gone);
        const found = await fates(copy, models).catch((error: unknown) => error);
        const owners = new Set(gone.map((block) => ownerOf(journal.rows(), block)));
        if (found instanceof Map) for (const owner of owners) expect(found.get(owner)).toBe("quarantined");
        else expect(found).toMatchObject({ code: "database_damaged" });
        copy.remove();
      }
    }
  });

  test("[R9] [R12] of a batch on its way when one of its documents is found damaged, only that one is left out", async () => {
    const store = await folder.open({ foldRows: 1_000 });
    for (const { driver } of models) driver.moveTo(store);
    const batch = await Promise.all(
      models.map(async ({ driver }) => ({
        ref: (await driver.owner()).ref,
        transactions: await driver.next([{ events: '[["said","å"]]', request: { n: 40 } }, {}]),
      })),
    );
    folder.sql("UPDATE segments SET crc = crc + 1 WHERE doc = ?", docOf("beta"));
    await expect(store.read((await models[1]?.driver.owner())?.ref ?? never(), WHOLE)).rejects.toThrow(StoreError);
    const { unfoldedRows } = await store.facts();
    expect(await store.append(batch)).toEqual(["committed", "fenced", "committed"]);
    expect((await store.facts()).unfoldedRows).toBe(unfoldedRows + 4);
    models.forEach(({ driver }, index) => {
      if (index !== 1) driver.acknowledged(batch[index]?.transactions ?? []);
    });
    await store.close();
    const found = await fates(folder, models);
    expect(Object.fromEntries(found)).toEqual({ alpha: "serves", beta: "quarantined", gamma: "serves" });
  });

  test("[R12] a row of any table that is gone is noticed when its document is read", async () => {
    for (const table of ["docs", "segments"]) {
      const copy = folder.copy();
      copy.sql(`DELETE FROM ${table} WHERE doc = ?`, docOf("beta"));
      const found = await fates(copy, models);
      expect(Object.fromEntries(found), table).toEqual({ alpha: "serves", beta: "quarantined", gamma: "serves" });
      copy.remove();
    }
  });

  test("[R12] a name that its index has lost is not created a second time", async () => {
    const store = await folder.open();
    expect((await store.load(named("delta"))).status).toBe("absent");
    await store.close();
    folder.sql("DELETE FROM docs WHERE doc = 2");
    const damaged = await folder.open();
    expect((await damaged.load(named("beta"))).status).toBe("quarantined");
    expect((await damaged.load(named("delta"))).status).toBe("quarantined");
    expect((await damaged.load(named("gamma"))).status).toBe("live");
    await damaged.close();
  });

  test("[R12] a name is kept twice, in the table and in its index: damage to either is noticed", async () => {
    const original = readFileSync(folder.file);
    const places: number[] = [];
    for (let at = original.indexOf("notebeta"); at >= 0; at = original.indexOf("notebeta", at + 1)) places.push(at);
    expect(places).toHaveLength(2);
    for (const at of places) {
      const bytes = Buffer.from(original);
      bytes.write("z", at + 7);
      const copy = new Folder();
      writeFileSync(copy.file, bytes);
      const found = await fates(copy, models);
      expect(Object.fromEntries(found)).toEqual({ alpha: "serves", beta: "quarantined", gamma: "serves" });
      copy.remove();
    }
  });

  test("[R12] a quarantine outlives the journal that showed it, whose rows are kept for repair", async () => {
    const journal = new JournalBytes(folder);
    const blocks = journal.blocks().length;
    const row = journal.rows()[3];
    if (row === undefined) throw new Error("no row");
    journal.change(row, ({ texts }) => texts.fill("!"));
    const store = await folder.open({ foldRows: 10 });
    const [alpha] = drivers(store, "late");
    await alpha?.commit(...asked(30));
    await settled(store);
    expect((await store.facts()).unfoldedRows).toBe(0);
    await store.close();
    expect((await fates(folder, models)).get("beta")).toBe("quarantined");
    expect(folder.sql("SELECT count(*) AS rows FROM salvage")).toEqual([{ rows: blocks + 1 }]);
  });

  test.each([
    ["a letter of a type", "replace(sql, 'INTEGER PRIMARY', 'INTEGER QRIMARY')", "rootpage"],
    ["a root that is another's", "sql", "(SELECT rootpage FROM sqlite_schema WHERE name = 'journal_b')"],
  ])("[R12] a journal that SQLite would read as another, or as none, is not served: %s", async (_, sql, root) => {
    const db = new Database(folder.file);
    db.unsafeMode();
    db.pragma("writable_schema = ON");
    db.exec(`UPDATE sqlite_schema SET sql = ${sql}, rootpage = ${root} WHERE name = 'journal_a'`);
    db.close();
    await expect(fates(folder, models)).rejects.toMatchObject({ code: "database_damaged" });
  });

  test("[R12] whatever byte of the file is flipped, nothing is served that was not written", {
    timeout: 120_000,
  }, async () => {
    const original = readFileSync(folder.file);
    const seed = Number(process.env.TIDEMARK_SEED ?? Date.now() % 1_000_000_000);
    let noticed = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(original);
        bytes[at] = (bytes[at] ?? 0) ^ flip;
        const copy = new Folder();
        writeFileSync(copy.file, bytes);
        try {
          const found = await fates(copy, models);
          if ([...found.values()].includes("quarantined")) noticed++;
        } catch (error) {
          if (!(error instanceof OperatorError)) throw error;
          noticed++;
        } finally {
          copy.remove();
        }
      }),
      { numRuns: 150, seed },
    );
    expect(noticed, `seed ${seed}`).toBeGreaterThan(5);
  });
});

/** One commit with two rows of each document. */
async function commitTogether(into: Folder, documents: readonly DocumentModel[]): Promise<void> {
  const store = await into.open({ foldRows: 1_000 });
  for (const { driver } of documents) driver.moveTo(store);
  await commitAll(
    store,
    documents.map(({ driver }) => ({ driver, drafts: asked(2, driver.head + 1) })),
  );
  await store.close();
}

const victims = (found: ReadonlyMap<string, string>): string[] =>
  [...found].filter(([, fate]) => fate === "quarantined").map(([key]) => key);

/** The key of the document whose rows a block holds; each holds those of one. */
function ownerOf(rows: readonly StoredRow[], block: number): string {
  const doc = rows.find((row) => row.block === block)?.doc ?? 0;
  return KEYS[doc - 1] ?? "";
}
