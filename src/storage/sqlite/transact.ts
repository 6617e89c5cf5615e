// One write transaction and the truth about its outcome: certainly nothing, everything, or not known (R8, R10).
import { StoreError } from "../../document/document-store.js";
import { type Connection, sqliteCode } from "./connection.js";

/** Runs `work` inside BEGIN IMMEDIATE and COMMIT. */
export type Transact = <T>(work: () => T) => T;

/**
 * Throws StoreError `disk_full` or `failed` when the transaction was certainly rolled back, `indeterminate` when its
 * commit or its rollback failed. What `work` throws for reasons of its own comes out as it is, after a rollback.
 */
export function transactions(db: Connection): Transact {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  return (work) => {
    try {
      begin.run();
    } catch (error) {
      throw refusal(error);
    }
    let result: ReturnType<typeof work>;
    try {
      result = work();
    } catch (error) {
      rollBack(db, error);
      throw sqliteCode(error) === undefined ? error : refusal(error);
    }
    try {
      commit.run();
    } catch (error) {
      throw commitFailure(db, error);
    }
    return result;
  };
}

/**
 * A full disk fails the commit frame's own write, which is the last one: nothing of it can be replayed, so with a
 * confirmed rollback it is a refusal (R11). Anything else in COMMIT leaves the log in doubt.
 */
function commitFailure(db: Connection, error: unknown): StoreError {
  if (sqliteCode(error) !== "SQLITE_FULL") {
    return new StoreError("indeterminate", `the commit failed: ${messageOf(error)}`, { cause: error });
  }
  rollBack(db, error);
  return refusal(error);
}

function rollBack(db: Connection, why: unknown): void {
  try {
    if (db.inTransaction) db.exec("ROLLBACK");
  } catch (error) {
    throw new StoreError("indeterminate", `the rollback failed: ${messageOf(error)}`, { cause: why });
  }
  if (db.inTransaction) throw new StoreError("indeterminate", "the rollback was not confirmed", { cause: why });
}

/** Certainly not written. */
export function refusal(error: unknown): StoreError {
  const certainty = sqliteCode(error) === "SQLITE_FULL" ? "disk_full" : "failed";
  return new StoreError(certainty, `nothing was written: ${messageOf(error)}`, { cause: error });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
