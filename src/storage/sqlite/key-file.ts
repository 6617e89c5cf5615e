// API keys in a database file, for the command line: whether a server has the file open or not. Each change is one short
// transaction, which the server's own wait for; it notices by itself.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { OperatorError } from "@tidemark/protocol";
import type { StoredKey } from "../../auth/credential-store.js";
import { type Connection, openForWriting } from "./connection.js";
import { CredentialTables } from "./credential-tables.js";
import { explained, inspectFile } from "./inspect-file.js";
import { migrate } from "./migrations.js";
import { FORMAT } from "./schema.js";
import { takeSideLock } from "./side-lock.js";
import { transactions } from "./transact.js";

/** The keys of a file. */
export interface KeyFile {
  keys(): readonly StoredKey[];
  /** Adds keys, or changes when they expire, all or none. */
  save(keys: readonly StoredKey[]): void;
  remove(ids: readonly string[]): void;
  close(): void;
}

/**
 * Opens a file; `create` makes one that is not there. Throws OperatorError: `not_a_database`, `newer_format`,
 * `database_locked` (an older server uses it), `database_damaged`, `storage_failed`.
 */
export function openKeyFile(file: string, { create }: { readonly create: boolean }): KeyFile {
  const path = resolve(file);
  return explaining(path, () => {
    prepare(path, create);
    return keyFile(path, openForWriting(path));
  });
}

function keyFile(path: string, db: Connection): KeyFile {
  // Moving the log into the file is the server's work.
  db.pragma("wal_autocheckpoint = 0");
  const tables = new CredentialTables(db);
  const transact = transactions(db);
  return {
    keys: () => explaining(path, () => tables.read().keys),
    save: (keys) => explaining(path, () => transact(() => each(keys, (key) => tables.saveKey(key)))),
    remove: (ids) => explaining(path, () => transact(() => each(ids, (id) => tables.removeKey(id)))),
    close: () => void db.close(),
  };
}

function each<Item>(items: readonly Item[], write: (item: Item) => void): void {
  for (const item of items) write(item);
}

/** Brings it to the newest format, unless a server has it, which must do that itself. */
function prepare(path: string, create: boolean): void {
  const format = existsSync(path) ? inspectFile(path) : 0;
  if (format === FORMAT) return;
  if (format === 0 && !create) {
    throw new OperatorError("not_a_database", `there is no database ${path}`, "Give the path of one with --data.");
  }
  const lock = takeSideLock(path);
  try {
    const db = openForWriting(path);
    migrate(db, transactions(db), inspectFile(path));
    db.close();
  } finally {
    lock.release();
  }
}

function explaining<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const { code, message, hint } = explained(path, error);
    throw new OperatorError(code, message, hint, { cause: error });
  }
}
