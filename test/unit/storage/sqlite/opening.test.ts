import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorError } from "@tidemark/protocol";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FORMAT } from "../../../../src/storage/sqlite/schema.js";
import { openSqliteStore } from "../../../../src/storage/sqlite/sqlite-store.js";
import { DocumentModel } from "../../../contract/store-model.js";
import { drivers, Folder, nearBirths } from "./sqlite-files.js";

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const refusal = async (file: string): Promise<OperatorError> => {
  const opened = await openSqliteStore({ file, runtime: nearBirths }).catch((error: unknown) => error);
  if (!(opened instanceof OperatorError)) throw new Error("it was opened");
  expect(opened.message).toContain(file);
  expect(opened.hint.length).toBeGreaterThan(20);
  return opened;
};

describe("opening a SQLite store", () => {
  test("[R1] every connection that writes has WAL with synchronous=FULL, the second opening of a file too", async () => {
    for (let opening = 0; opening < 3; opening++) {
      const store = await openSqliteStore({ file: folder.file, runtime: nearBirths });
      expect(await store.facts()).toMatchObject({
        journalMode: "wal",
        synchronous: "FULL",
        autoCheckpointPages: 1_000,
      });
      await drivers(store, `k${opening}`)[0]?.commit({});
      await store.close();
    }
  });

  test.each([
    ["whole", 0],
    ["torn", 512],
  ])("[R1] a file whose creation was cut off, hot journal and first page %s, is created anew", async (_, torn) => {
    const crashing = join(folder.path, "crashing.db");
    const db = new Database(crashing);
    db.exec("CREATE TABLE first(x); DROP TABLE first");
    db.pragma("cache_size = 1");
    db.exec("BEGIN; CREATE TABLE half(made BLOB)");
    for (let page = 0; page < 50; page++) db.exec("INSERT INTO half VALUES(zeroblob(4000))");
    for (const suffix of ["", "-journal"]) copyFileSync(crashing + suffix, folder.file + suffix);
    db.close();
    const bytes = readFileSync(folder.file);
    writeFileSync(folder.file, bytes.fill(0, 0, torn));
    const store = await openSqliteStore({ file: folder.file, runtime: nearBirths });
    await drivers(store, "a")[0]?.commit({});
    await store.close();
  });

  test("[R9] two servers cannot own one file, under whatever path", async () => {
    const first = await openSqliteStore({ file: folder.file, runtime: nearBirths });
    const link = join(folder.path, "link.db");
    symlinkSync(folder.file, link);
    for (const path of [folder.file, link]) expect((await refusal(path)).code).toBe("database_locked");
    await drivers(first, "a")[0]?.commit({});
    await first.close();
    const second = await openSqliteStore({ file: link, runtime: nearBirths });
    await second.close();
  });

  test("the data file stays open to readers while a server owns it", async () => {
    const store = await folder.open();
    await drivers(store, "a")[0]?.commit({});
    expect(folder.sql("SELECT count(*) AS documents FROM docs")).toEqual([{ documents: 1 }]);
    await store.close();
  });

  test("a file that is no database is refused and left as it was", async () => {
    const text = "a shopping list, much longer than the sixteen bytes that SQLite begins with";
    writeFileSync(folder.file, text);
    expect((await refusal(folder.file)).code).toBe("not_a_database");
    expect(readFileSync(folder.file, "utf8")).toBe(text);
    expect(existsSync(`${folder.file}.lock`)).toBe(false);
    mkdirSync(join(folder.path, "directory.db"));
    expect((await refusal(join(folder.path, "directory.db"))).code).toBe("not_a_database");
  });

  test("another application's database is refused and left as it was", async () => {
    folder.sql("CREATE TABLE recipes(id INTEGER PRIMARY KEY)");
    const before = readFileSync(folder.file);
    expect((await refusal(folder.file)).code).toBe("not_a_database");
    expect(readFileSync(folder.file).equals(before)).toBe(true);
  });

  test("a newer format is refused and left as it was", async () => {
    await (await folder.open()).close();
    const { checksum } = await import("../../../../src/storage/sqlite/checksum.js");
    folder.sql("UPDATE meta SET value = ?, crc = ? WHERE key = 'format'", FORMAT + 1, checksum("format", FORMAT + 1));
    const before = readFileSync(folder.file);
    expect((await refusal(folder.file)).code).toBe("newer_format");
    expect(readFileSync(folder.file).equals(before)).toBe(true);
  });

  test("[R12] a file whose own facts are damaged is refused", async () => {
    for (const key of ["format", "generation", "journal_first"]) {
      const other = new Folder();
      await (await other.open()).close();
      other.sql("UPDATE meta SET value = value + 1 WHERE key = ?", key);
      expect((await refusal(other.file)).code).toBe("database_damaged");
      other.remove();
    }
  });

  test("[R12] a file cut short is refused as damaged", async () => {
    const store = await folder.open();
    for (let round = 0; round < 10; round++) await drivers(store, `k${round}`)[0]?.commit({});
    await store.close();
    writeFileSync(folder.file, readFileSync(folder.file).subarray(0, 8_192));
    expect((await refusal(folder.file)).code).toBe("database_damaged");
  });

  test("a directory that does not exist is a storage failure that says so", async () => {
    expect((await refusal(join(folder.path, "nowhere", "store.db"))).code).toBe("storage_failed");
  });

  test("an empty file and one whose creation was cut off become a database", async () => {
    writeFileSync(folder.file, "");
    await (await folder.open()).close();
    const other = new Folder();
    const db = new Database(other.file);
    db.pragma("journal_mode = WAL");
    db.close();
    const store = await other.open();
    expect(await store.facts()).toMatchObject({ format: FORMAT });
    await store.close();
    other.remove();
  });

  test("[R9] an epoch is never used again, also when an old copy of the file is put back", async () => {
    const used = new Set<number>();
    const open = async (from: Folder, now: number, random: number): Promise<number> => {
      const store = await from.open({ runtime: { ...nearBirths, now: () => now, random: () => random } });
      const model = new DocumentModel(drivers(store, `at${used.size}`)[0] ?? expect.fail());
      await model.driver.commit({});
      const { generation } = await store.facts();
      await store.close();
      return generation;
    };
    const chances = [0.1, 0.5, 0.9, 0.3, 0.7, 0.2];
    let at = 1_000_000;
    for (const [round, random] of chances.entries()) {
      const backup = folder.copy();
      // The clock moves on, stands still, or was set back: each line must find epochs of its own.
      for (const [line, now] of [
        [folder, at + 1_000],
        [backup, at + 2_000],
        [folder, 5],
        [backup, 5],
      ] as const) {
        used.add(await open(line, now, (random + used.size / 37) % 1));
      }
      at += 10_000 * (round + 1);
      backup.remove();
    }
    expect(used.size).toBe(chances.length * 4);
  });
});
