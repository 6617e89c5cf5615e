// What a start asks the table of documents. That no damage goes unnoticed is shown in damage.test.ts, over whole stores.
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkIdentity } from "../../../../src/storage/sqlite/identity.js";
import { drivers, Folder } from "./sqlite-files.js";

const KEYS = ["alpha", "beta", "gamma"];

let folder: Folder;
beforeEach(async () => {
  folder = new Folder();
  const store = await folder.open();
  for (const driver of drivers(store, ...KEYS)) await driver.commit({});
  await store.close();
});
afterEach(() => folder.remove());

function check() {
  const db = new Database(folder.file);
  const read = vi.spyOn(Object.getPrototypeOf(db.prepare("SELECT 1")), "iterate");
  try {
    return { identity: checkIdentity(db), rowsAreRead: read.mock.calls.length > 0 };
  } finally {
    read.mockRestore();
    db.close();
  }
}

describe("the check of names at a start", () => {
  test("[R12] reads no rows where every name is found", () => {
    expect(check()).toEqual({
      identity: { nextDoc: 4, hiddenNames: new Map(), namesLost: undefined },
      rowsAreRead: false,
    });
  });

  test("[R12] reads them where a number is missing, and knows that a name may be lost", () => {
    folder.sql("DELETE FROM docs WHERE doc = 2 RETURNING doc");
    expect(check()).toEqual({
      identity: { nextDoc: 4, hiddenNames: new Map(), namesLost: expect.stringContaining("lost") },
      rowsAreRead: true,
    });
  });

  test("[R12] knows from what else speaks of them that the last ones are missing", () => {
    folder.sql("INSERT INTO snapshots VALUES(9, 1, 1, 1, '{}', 0) RETURNING doc");
    expect(check().identity).toEqual({
      nextDoc: 10,
      hiddenNames: new Map(),
      namesLost: expect.stringContaining("lost"),
    });
  });

  test("[R12] of no documents there is nothing to miss", () => {
    folder.sql("DELETE FROM docs RETURNING doc");
    for (const table of ["segments", "snapshots", "receipts"]) folder.sql(`DELETE FROM ${table} RETURNING doc`);
    expect(check().identity).toEqual({ nextDoc: 1, hiddenNames: new Map(), namesLost: undefined });
  });
});
