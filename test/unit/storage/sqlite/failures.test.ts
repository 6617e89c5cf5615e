import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "../../../../src/document/document-store.js";
import type { Runtime } from "../../../../src/runtime/runtime.js";
import { openSqliteStore, type SqliteStore } from "../../../../src/storage/sqlite/sqlite-store.js";
import type { StoreEvent } from "../../../../src/storage/sqlite/writer-client.js";
import { startWriter } from "../../../../src/storage/sqlite/writer-link.js";
import { type DocumentDriver, named } from "../../../contract/document-driver.js";
import { DocumentModel } from "../../../contract/store-model.js";
import { type Faults, failingConnect, sqliteError } from "./failing-connection.js";
import { asked, drivers, Folder, nearBirths, settled } from "./sqlite-files.js";

let folder: Folder;
let faults: Faults;
let events: StoreEvent[];
let store: SqliteStore;
/** Timers wait here until a test fires them. */
let timers: (() => void)[];
let monotonicMs: number;

const runtime: Runtime = {
  ...nearBirths,
  monotonicMs: () => monotonicMs,
  setTimer(_, fire) {
    timers.push(fire);
    return () => {};
  },
};

beforeEach(async () => {
  folder = new Folder();
  faults = {};
  events = [];
  timers = [];
  monotonicMs = 0;
  store = await folder.open({ runtime, connect: failingConnect(faults), onEvent: (event) => events.push(event) });
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const kinds = (): string[] => events.map(({ kind }) => kind);

/** Fails once with this code. */
const once = (code: string) => {
  const fail = () => {
    for (const key of Object.keys(faults)) delete faults[key as keyof Faults];
    throw sqliteError(code);
  };
  return fail;
};

const attempt = async (driver: DocumentDriver): Promise<unknown> => {
  const { ref } = await driver.owner();
  const transactions = await driver.next([{}]);
  return store.append([{ ref, transactions }]).catch((error: unknown) => error);
};

const first = (key: string): DocumentDriver => drivers(store, key)[0] ?? expect.fail();

describe("a SQLite store whose disk fails", () => {
  test("[R8] an error before COMMIT is a certain failure: nothing is there and the owner goes on", async () => {
    const model = new DocumentModel(first("a"));
    await model.driver.commit({});
    faults.beforeInsert = once("SQLITE_IOERR_WRITE");
    expect(await attempt(model.driver)).toMatchObject({ certainty: "failed" });
    await model.driver.commit({});
    await model.expectLoaded();
    expect(kinds()).toEqual([]);
  });

  test.each(["beforeInsert", "beforeCommit"] as const)(
    "[R11] a full disk at %s refuses, reads go on, and writes do when there is room",
    async (where) => {
      const model = new DocumentModel(first("a"));
      await model.driver.commit({});
      faults[where] = () => {
        throw sqliteError("SQLITE_FULL");
      };
      for (let call = 0; call < 3; call++)
        expect(await attempt(model.driver)).toMatchObject({ certainty: "disk_full" });
      await model.expectRead(store, { after: 0, limit: 10, bytesMax: 1e6 });
      delete faults[where];
      await model.driver.commit({});
      await model.expectLoaded();
      expect(kinds()).toEqual([]);
    },
  );

  test("[R11] writes are refused before the disk is full, and a full disk does not stop a load", async () => {
    await store.close();
    store = await folder.open({ runtime, freeBytesMin: Number.MAX_SAFE_INTEGER });
    const driver = first("a");
    expect(await attempt(driver)).toMatchObject({ certainty: "disk_full" });
    expect((await store.load(driver.name)).status).toBe("absent");
  });

  test.each(["beforeCommit", "afterCommit"] as const)(
    "[R10] an I/O error %s leaves the outcome open until a checkpoint has proved what is on disk",
    async (where) => {
      const [a, b] = [new DocumentModel(first("a")), new DocumentModel(first("b"))];
      await a.driver.commit({});
      await b.driver.commit({});
      let checkpoints = 0;
      faults[where] = () => {
        delete faults[where];
        faults.checkpoint = () => checkpoints++;
        throw sqliteError("SQLITE_IOERR_FSYNC");
      };
      const [doubtful] = await a.driver.next([{}]);
      expect(await attempt(a.driver)).toMatchObject({ certainty: "indeterminate" });
      expect(await attempt(a.driver)).toMatchObject(["fenced"]);
      if (where === "afterCommit" && doubtful !== undefined) a.driver.acknowledged([doubtful]);
      await a.expectLoaded();
      expect(checkpoints).toBe(1);
      expect(kinds()).toEqual(["recovering", "recovered"]);
      expect(await store.facts()).toMatchObject({ synchronous: "FULL", journalMode: "wal" });
      await b.driver.commit({});
      await a.driver.commit({});
      await a.expectLoaded();
      await b.expectLoaded();
    },
  );

  test("[R10] a rollback that fails is a commit in doubt", async () => {
    const model = new DocumentModel(first("a"));
    await model.driver.commit({});
    faults.beforeInsert = () => {
      delete faults.beforeInsert;
      throw sqliteError("SQLITE_IOERR_WRITE");
    };
    faults.beforeRollback = () => {
      delete faults.beforeRollback;
      throw sqliteError("SQLITE_IOERR_WRITE");
    };
    expect(await attempt(model.driver)).toMatchObject({ certainty: "indeterminate" });
    await model.expectLoaded();
    await model.driver.commit({});
  });

  test("[R10] while a reader holds the log, writes are refused and loads wait; then both go on", async () => {
    const model = new DocumentModel(first("a"));
    await model.driver.commit({});
    const reader = new Database(folder.file, { readonly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM docs").get();
    faults.afterCommit = once("SQLITE_IOERR_FSYNC");
    const [doubtful] = await model.driver.next([{}]);
    expect(await attempt(model.driver)).toMatchObject({ certainty: "indeterminate" });
    if (doubtful !== undefined) model.driver.acknowledged([doubtful]);
    await recoveryAttempts(1);
    const stranger = { ref: (await firstLoadIsWaiting()).ref, transactions: [] };
    expect(stranger.transactions).toEqual([]);
    reader.close();
    fire();
    await model.expectLoaded();
    expect(kinds()).toEqual(["recovering", "recovered"]);

    async function firstLoadIsWaiting(): Promise<{ ref: unknown }> {
      let loaded = false;
      void store.load(named("b")).then(() => {
        loaded = true;
      });
      fire();
      await recoveryAttempts(1);
      expect(loaded).toBe(false);
      return { ref: undefined };
    }
  });

  test("[R10] after ten seconds of that loads are turned away too, and the store still comes back by itself", async () => {
    const model = new DocumentModel(first("a"));
    await model.driver.commit({});
    let busy = true;
    faults.beforeCommit = () => {
      delete faults.beforeCommit;
      throw sqliteError("SQLITE_IOERR_FSYNC");
    };
    faults.checkpoint = () => {
      if (busy) throw sqliteError("SQLITE_BUSY");
    };
    expect(await attempt(model.driver)).toMatchObject({ certainty: "indeterminate" });
    const waiting = store.load(model.driver.name).catch((error: unknown) => error);
    await recoveryAttempts(1);
    monotonicMs = 10_000;
    fire();
    expect(await waiting).toBeInstanceOf(StoreError);
    busy = false;
    await recoveryAttempts(1);
    fire();
    await untilEvent("recovered");
    await model.expectLoaded();
  });

  test("[R10] an I/O error during recovery is the end: every call says so and the server is told to stop", async () => {
    const driver = first("a");
    await driver.commit({});
    faults.beforeCommit = () => {
      delete faults.beforeCommit;
      throw sqliteError("SQLITE_IOERR_FSYNC");
    };
    let syncs = 0;
    faults.checkpoint = () => {
      syncs++;
      throw sqliteError("SQLITE_IOERR_FSYNC");
    };
    expect(await attempt(driver)).toMatchObject({ certainty: "indeterminate" });
    expect(await store.failed).toMatchObject({ code: "storage_failed" });
    await expect(store.load(driver.name)).rejects.toMatchObject({ certainty: "failed" });
    expect(await attempt(driver)).toEqual(["fenced"]);
    expect(syncs).toBe(1);
    expect(kinds()).toEqual(["recovering", "failed"]);
  });

  test("[R10] a fold whose commit is in doubt loses nothing and is done again after recovery", async () => {
    const model = new DocumentModel(first("a"));
    await model.driver.commit(...asked(49));
    let commits = 0;
    faults.beforeCommit = () => {
      // The first is the append, the second the fold's first slice.
      if (++commits === 2) once("SQLITE_IOERR_FSYNC")();
    };
    await model.driver.commit(...asked(10, 50));
    await untilEvent("recovered");
    await model.driver.commit(...asked(60, 60));
    await settled(store);
    await model.expectLoaded();
    await model.expectReceipts(store, "ann", "c1");
    expect((await store.facts()).folds).toBeGreaterThan(0);
  });

  test("[R11] a fold that meets a full disk waits, and goes on with the next commit that succeeds", async () => {
    const model = new DocumentModel(first("a"));
    let commits = 0;
    faults.beforeCommit = () => {
      if (++commits === 2) once("SQLITE_FULL")();
    };
    await model.driver.commit(...asked(60));
    await settled(store);
    expect((await store.facts()).folds).toBe(0);
    await model.driver.commit(...asked(1, 61));
    await settled(store);
    expect((await store.facts()).folds).toBe(1);
    await model.expectLoaded();
  });

  test("[R10] a writer thread that dies is a failed store, and what was under way is in doubt", async () => {
    const links: { terminate(): Promise<void> }[] = [];
    const threaded = await openSqliteStore({ file: `${folder.file}2`, runtime: nearBirths }, async (settings) => {
      const link = await startWriter(settings);
      links.push(link);
      return link;
    });
    const [driver] = drivers(threaded, "a");
    await driver?.commit({});
    await links[0]?.terminate();
    expect(await threaded.failed).toMatchObject({ code: "storage_failed" });
    await expect(threaded.load(named("a"))).rejects.toMatchObject({ certainty: "failed" });
    await threaded.close();
    const again = await openSqliteStore({ file: `${folder.file}2`, runtime: nearBirths });
    driver?.moveTo(again);
    if (driver !== undefined) await new DocumentModel(driver).expectLoaded();
    await again.close();
  });

  function fire(): void {
    for (const timer of timers.splice(0)) timer();
  }

  /** Waits until so many more attempts at recovery have ended, each of which sets a timer. */
  async function recoveryAttempts(count: number): Promise<void> {
    for (let turn = 0; timers.length < count && turn < 1_000; turn++) await Promise.resolve();
    expect(timers.length).toBe(count);
  }

  async function untilEvent(kind: StoreEvent["kind"]): Promise<void> {
    for (let turn = 0; !kinds().includes(kind) && turn < 10_000; turn++) await Promise.resolve();
    expect(kinds()).toContain(kind);
  }
});
