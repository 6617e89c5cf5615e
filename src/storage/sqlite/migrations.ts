// Brings a file from its format to the newest, one numbered step per transaction. A newer format is never touched.
import type { Connection } from "./connection.js";
import { writeMeta } from "./meta.js";
import { APPLICATION_ID, FORMAT, FORMATS } from "./schema.js";
import type { Transact } from "./transact.js";

/** Migrates from `format` (0 is an empty file). Each step is all or nothing. */
export function migrate(db: Connection, transact: Transact, format: number): void {
  for (let from = format; from < FORMAT; from++) {
    transact(() => {
      for (const statement of FORMATS[from] ?? []) db.exec(statement);
      if (from === 0) begin(db);
      writeMeta(db, "format", from + 1);
    });
  }
}

function begin(db: Connection): void {
  db.pragma(`application_id = ${APPLICATION_ID}`);
  writeMeta(db, "generation", 0);
  writeMeta(db, "journal_first", 1);
}
