import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeKey } from "../../../../src/auth/api-key.js";
import type { StoredKey } from "../../../../src/auth/credential-store.js";
import { checksum } from "../../../../src/storage/sqlite/checksum.js";
import { openKeyFile } from "../../../../src/storage/sqlite/key-file.js";
import { drivers, Folder, nearBirths } from "./sqlite-files.js";

const key = (name: string): StoredKey =>
  makeKey(nearBirths, {
    ...{ name, space: "", powers: [], expiresAt: undefined },
    grants: [{ doc: "board/*", may: ["open"] }],
  }).stored;

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

/** Makes the file what the first format was: without the tables, and saying so. */
function toFormat1(): void {
  const db = new Database(folder.file);
  db.exec("DROP TABLE keys; DROP TABLE revocations");
  db.prepare("UPDATE meta SET value = 1, crc = ? WHERE key = 'format'").run(checksum("format", 1));
  db.close();
}

describe("a file of format 1", () => {
  const filled = async (): Promise<void> => {
    const store = await folder.open();
    await drivers(store, "a")[0]?.commit({});
    await store.close();
    toFormat1();
  };

  it("[R1] opens, keeps what it has, and can have keys from then on", async () => {
    await filled();
    const store = await folder.open();
    expect(await store.facts()).toMatchObject({ format: 2 });
    expect(await store.credentials()).toMatchObject({ keys: [], revocations: [] });
    expect((await store.list({ space: "", type: "todo", after: "", limit: 10 })).keys.length).toBeLessThanOrEqual(1);
    await store.revoke({ space: "", kind: "sub", name: "ann", at: 1, until: 2 });
    await store.close();
    expect(folder.sql("SELECT count(*) AS rows FROM docs")).toEqual([{ rows: 1 }]);
  });

  it("gets its tables from the command line when no server has it, and not from under a server that does", async () => {
    await filled();
    openKeyFile(folder.file, { create: false }).close();
    expect(folder.sql("SELECT value FROM meta WHERE key = 'format'")).toEqual([{ value: 2 }]);
    const store = await folder.open();
    toFormat1();
    expect(() => openKeyFile(folder.file, { create: false })).toThrow(
      expect.objectContaining({ code: "database_locked" }),
    );
    await store.close();
  });
});

describe("keys in a file", () => {
  it("[AUTH-7] are written beside a server that commits all the while", async () => {
    const store = await folder.open({ foldRows: 20 });
    const file = openKeyFile(folder.file, { create: false });
    const [document] = drivers(store, "a");
    for (let round = 0; round < 30; round += 1) {
      const committing = document?.commit({});
      file.save([key(`k${round}`)]);
      await committing;
    }
    expect((await store.credentials())?.keys).toHaveLength(30);
    file.close();
    await store.close();
  });

  it("[R12] a damaged key lets nobody in, a damaged revocation counts, and both are told", async () => {
    const [whole, damaged] = [key("whole"), key("damaged")];
    const store = await folder.open();
    await store.revoke({ space: "", kind: "sub", name: "ann", at: 1, until: 2 });
    await store.close();
    const file = openKeyFile(folder.file, { create: false });
    file.save([whole, damaged]);
    file.close();
    folder.sql("UPDATE keys SET grants = ? WHERE id = ?", '[{"doc":"*/*","may":["open"]}]', damaged.id);
    folder.sql("UPDATE revocations SET until = 9");
    const again = await folder.open();
    expect(await again.credentials()).toMatchObject({
      keys: [{ id: whole.id }],
      revocations: [{ name: "ann", until: 9 }],
      damaged: 2,
    });
    await again.close();
  });

  it("are refused in what is no database, and made in what is not there", () => {
    expect(() => openKeyFile(folder.file, { create: false })).toThrow(
      expect.objectContaining({ code: "not_a_database" }),
    );
    const file = openKeyFile(folder.file, { create: true });
    file.save([key("first")]);
    expect(file.keys()).toMatchObject([{ name: "first" }]);
    file.close();
  });
});
