// Brings a file from its format to the newest, one numbered step per transaction. A newer format is never touched.
import type { Connection } from "./connection.js";
import { writeMeta } from "./meta.js";
import { APPLICATION_ID, FORMAT, FORMAT_1, FORMAT_2 } from "./schema.js";
import type { Transact } from "./transact.js";

/** `steps[n]` takes a file of format n to n + 1. */
const steps: readonly ((db: Connection) => void)[] = [
  (db) => {
    db.pragma(`application_id = ${APPLICATION_ID}`);
    for (const statement of FORMAT_1) db.exec(statement);
    writeMeta(db, "generation", 0);
    writeMeta(db, "journal_first", 1);
  },
  (db) => {
    for (const statement of FORMAT_2) db.exec(statement);
  },
];

/** Migrates from `format` (0 is an empty file). Each step is all or nothing. */
export function migrate(db: Connection, transact: Transact, format: number): void {
  for (let from = format; from < FORMAT; from++) {
    transact(() => {
      steps[from]?.(db);
      writeMeta(db, "format", from + 1);
    });
  }
}
