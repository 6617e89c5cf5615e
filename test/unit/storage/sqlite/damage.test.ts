import { readFileSync, writeFileSync } from "node:fs";
import { OperatorError } from "@tidemark/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "../../../../src/document/document-store.js";
import type { StoreEvent } from "../../../../src/storage/sqlite/writer-client.js";
import { type DocumentDriver, named } from "../../../contract/document-driver.js";
import { DocumentModel } from "../../../contract/store-model.js";
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
      await model.expectRead(store, { after: 0, limit: 1_000, bytesMax: 1e9 });
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

  const journalChanges = [
    "ops = '[]'",
    "seq = seq + 1",
    "epoch = 1",
    "result = NULL",
    "doc = 3",
    "doc = 77",
    "crc = 1",
  ];
  test.each(journalChanges)("[R12] a change in a journal row (%s) is pinned on its document", async (set) => {
    const [journal] = filledJournal();
    for (const [nth, expected] of [
      [2, "alpha"],
      [3, "beta"],
      [9, "beta"],
      [22, "gamma"],
    ] as const) {
      const copy = folder.copy();
      const [row] = copy.sql(`SELECT id, doc FROM ${journal} ORDER BY id LIMIT 1 OFFSET ?`, nth - 1);
      if (set.startsWith("doc") && JSON.stringify(row).includes(`"doc":${set.slice(6)}`)) continue;
      const id: unknown = Object.values(row ?? {})[0];
      copy.sql(`UPDATE ${journal} SET ${set} WHERE id = ?`, id);
      const found = await fates(copy, models);
      expect(
        [...found].filter(([, fate]) => fate === "quarantined").map(([key]) => key),
        `${nth}`,
      ).toEqual([ownerOf(row, expected)]);
      copy.remove();
    }
  });

  test("[R12] a journal row that is gone is noticed, at the end of its document too", async () => {
    const [journal, ids] = filledJournal();
    for (const [index, id] of ids.entries()) {
      if (index === ids.length - 1) continue;
      const copy = folder.copy();
      const [row] = copy.sql(`DELETE FROM ${journal} WHERE id = ? RETURNING doc`, id);
      const found = await fates(copy, models);
      const victims = [...found].filter(([, fate]) => fate === "quarantined").map(([key]) => key);
      expect(victims).toEqual([ownerOf(row, "")]);
      copy.remove();
    }
  });

  test("[R12] rows lost in a run are never passed over: gaps show whose they were, or the file is refused", async () => {
    const [journal, ids] = filledJournal();
    for (const length of [2, 3, 5, 8]) {
      for (let from = 0; from + length < ids.length; from += 3) {
        const copy = folder.copy();
        const gone = copy.sql(
          `DELETE FROM ${journal} WHERE id >= ? AND id < ? RETURNING doc`,
          ids[from],
          (ids[from] ?? 0) + length,
        );
        const owners = new Set(gone.map((row) => ownerOf(row, "")));
        const found = await fates(copy, models).catch((error: unknown) => error);
        if (found instanceof Map) for (const owner of owners) expect(found.get(owner)).toBe("quarantined");
        else expect(found).toMatchObject({ code: "database_damaged" });
        copy.remove();
      }
    }
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
    const [journal, ids] = filledJournal();
    folder.sql(`UPDATE ${journal} SET ops = '[]' WHERE id = ?`, ids[3]);
    const store = await folder.open({ foldRows: 10 });
    const [alpha] = drivers(store, "late");
    await alpha?.commit(...asked(30));
    await settled(store);
    expect((await store.facts()).unfoldedRows).toBe(0);
    await store.close();
    expect((await fates(folder, models)).get("beta")).toBe("quarantined");
    expect(folder.sql("SELECT count(*) AS rows FROM salvage")).toEqual([{ rows: 24 + 30 }]);
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

  function filledJournal(): [string, number[]] {
    for (const name of ["journal_a", "journal_b"]) {
      const ids = folder.sql(`SELECT id FROM ${name} ORDER BY id`).map((row) => Number(Object.values(row ?? {})[0]));
      if (ids.length > 0) return [name, ids];
    }
    throw new Error("no journal has rows");
  }
});

/** The key of the document a raw row names. */
function ownerOf(row: unknown, otherwise: string): string {
  const doc = typeof row === "object" && row !== null && "doc" in row ? Number(row.doc) : 0;
  return KEYS[doc - 1] ?? otherwise;
}
