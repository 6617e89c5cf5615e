// Removes a database with everything that belongs to it, if it is one and nobody is using it.
import { existsSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { OperatorError, type OperatorErrorCode } from "@tidemark/protocol";
import { explained, inspectFile } from "./inspect-file.js";
import { takeSideLock } from "./side-lock.js";

/** One that cannot be read may go as well. */
const REMOVABLE: ReadonlySet<OperatorErrorCode> = new Set(["database_damaged", "newer_format"]);

/** False when there is none. Throws OperatorError `not_a_database`, `database_locked`, `storage_failed`. */
export function removeDatabase(file: string): boolean {
  const path = resolve(file);
  if (!existsSync(path)) return false;
  try {
    // Before the lock, whose file would be left beside a stranger's.
    requireRemovable(path);
    const lock = takeSideLock(path);
    for (const part of ["-wal", "-shm", ""]) rmSync(`${path}${part}`, { force: true });
    lock.release();
    return true;
  } catch (error) {
    const { code, message, hint } = explained(path, error);
    throw new OperatorError(code, message, hint, { cause: error });
  }
}

function requireRemovable(path: string): void {
  try {
    inspectFile(path);
  } catch (error) {
    if (!REMOVABLE.has(explained(path, error).code)) throw error;
  }
}
