// The lock that keeps two servers from owning one file: an exclusive transaction held on `<file>.lock`. The data file
// itself stays in normal locking, so that readers and backups can open it. The operating system frees it at any death.
import { existsSync, realpathSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { sqliteCode } from "./connection.js";
import { OpenFailure } from "./open-failure.js";

/** A held lock. */
export interface SideLock {
  /** Lets go. `remove`: also removes the lock's file, if this lock made it. */
  release(options?: { readonly remove: boolean }): void;
}

/** Takes the lock. Throws OpenFailure `database_locked` when another server has it. */
export function takeSideLock(file: string): SideLock {
  const path = `${canonical(file)}.lock`;
  const mine = !existsSync(path);
  const db = new Database(path, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) throw locked(file, error);
    throw error;
  }
  return {
    release(options) {
      if (!db.open) return;
      if (options?.remove && mine) unlinkSync(path);
      db.close();
    },
  };
}

/** Two paths to one file must meet in one lock. */
function canonical(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  return join(realpathSync(dirname(file)), basename(file));
}

const locked = (file: string, cause: unknown): OpenFailure =>
  new OpenFailure(
    "database_locked",
    `another server is using ${file}`,
    "Stop the other server, or give this one its own file with --data.",
    { cause },
  );
