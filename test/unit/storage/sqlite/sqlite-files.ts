// Files and stores for the SQLite tests: a folder per test, raw access to what a store wrote, and drivers over it.
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Runtime } from "../../../../src/runtime/runtime.js";
import { systemRuntime } from "../../../../src/runtime/system-runtime.js";
import type { Connect } from "../../../../src/storage/sqlite/open-engine.js";
import { openSqliteStore, type SqliteStore } from "../../../../src/storage/sqlite/sqlite-store.js";
import type { StoreEvent } from "../../../../src/storage/sqlite/writer-client.js";
import { BORN, DocumentDriver, type Draft, named } from "../../../contract/document-driver.js";
import { inlineWriter } from "../../../contract/inline-writer.js";

/** A clock near the births of the requests, so that no receipt has had its time. */
export const nearBirths: Runtime = { ...systemRuntime, now: () => BORN + 60_000 };

export interface OpenOptions {
  readonly foldRows?: number;
  readonly runtime?: Runtime;
  readonly connect?: Connect;
  readonly onEvent?: (event: StoreEvent) => void;
  readonly freeBytesMin?: number;
}

export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "tidemark-"));
  readonly file = join(this.path, "store.db");

  /** A store on this thread, on the folder's file. */
  open(options: OpenOptions = {}): Promise<SqliteStore> {
    const { connect, ...rest } = options;
    const base = { file: this.file, runtime: nearBirths, foldRows: 50, freeBytesMin: 0 };
    return openSqliteStore({ ...base, ...rest }, inlineWriter(connect));
  }

  /** Runs SQL on the file behind the store's back. */
  sql(statement: string, ...values: readonly unknown[]): unknown[] {
    const db = new Database(this.file);
    try {
      const prepared = db.prepare(statement);
      if (prepared.reader) return prepared.all(...values);
      prepared.run(...values);
      return [];
    } finally {
      db.close();
    }
  }

  /** A folder with the file as it is on disk now, as if the process had died. */
  copy(): Folder {
    const copy = new Folder();
    for (const part of ["", "-wal"]) {
      if (existsSync(this.file + part)) cpSync(this.file + part, copy.file + part);
    }
    return copy;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Drivers for documents of these keys. */
export const drivers = (store: SqliteStore, ...keys: readonly string[]): DocumentDriver[] =>
  keys.map((key) => new DocumentDriver(store, named(key)));

/** `count` drafts, each the answer to a request of one client, numbered from `first`. */
export const asked = (count: number, first = 1): Draft[] =>
  Array.from({ length: count }, (_, index) => ({
    request: { n: first + index, low: first + index, result: `"r${index}"` },
  }));

/** Lets everything that the inline writer has queued run, folding included. */
export async function settled(store: SqliteStore): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await store.facts();
}
