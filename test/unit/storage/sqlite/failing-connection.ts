// A connection whose transactions fail as told, below everything the store can see: like a disk that refuses.
import Database from "better-sqlite3";
import { type Connection, openForWriting } from "../../../../src/storage/sqlite/connection.js";
import type { Connect } from "../../../../src/storage/sqlite/open-engine.js";

/** What happens around COMMIT and INSERT, and at connecting; each may throw. */
export interface Faults {
  connect?: () => void;
  beforeCommit?: () => void;
  afterCommit?: () => void;
  beforeInsert?: () => void;
  beforeRollback?: () => void;
  /** Instead of a checkpoint. */
  checkpoint?: () => void;
}

/** An error as SQLite reports it. */
export const sqliteError = (code: string): Error => new Database.SqliteError(`injected ${code}`, code);

/** Connections that fail as `faults` says, at any later time too. */
export const failingConnect =
  (faults: Faults): Connect =>
  (file) => {
    faults.connect?.();
    return intercepted(openForWriting(file), faults);
  };

function intercepted(db: Connection, faults: Faults): Connection {
  return new Proxy(db, {
    get(target, key) {
      if (key === "prepare") return (sql: string) => preparedWith(target, sql, faults);
      if (key === "exec") {
        return (sql: string) => {
          if (sql === "ROLLBACK") faults.beforeRollback?.();
          return target.exec(sql);
        };
      }
      if (key === "pragma") {
        return (sql: string, options?: Database.PragmaOptions) => {
          if (sql.startsWith("wal_checkpoint")) faults.checkpoint?.();
          return target.pragma(sql, options);
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function preparedWith(db: Connection, sql: string, faults: Faults): unknown {
  const statement = db.prepare(sql);
  if (sql !== "COMMIT" && !sql.startsWith("INSERT INTO journal")) return statement;
  return {
    run(...values: unknown[]) {
      if (sql === "COMMIT") faults.beforeCommit?.();
      else faults.beforeInsert?.();
      const result = statement.run(...values);
      if (sql === "COMMIT") faults.afterCommit?.();
      return result;
    },
  };
}
