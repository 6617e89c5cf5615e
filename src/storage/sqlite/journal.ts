// One of the two journals that take the commits, in commit order. It knows rows by id; whose they are is for the index.
import { columns } from "./columns.js";
import type { Connection } from "./connection.js";
import { JOURNAL_COLUMNS, type JournalRow, journalChecksum } from "./journal-row.js";
import type { JournalName } from "./schema.js";

export class Journal {
  readonly name: JournalName;
  readonly #insert;
  readonly #scan;
  readonly #clear;

  constructor(db: Connection, name: JournalName) {
    this.name = name;
    this.#insert = db.prepare(`INSERT INTO ${name}(${JOURNAL_COLUMNS})
      VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#scan = db.prepare(`SELECT ${JOURNAL_COLUMNS} FROM ${name} ORDER BY id`).raw();
    this.#clear = db.prepare(`DELETE FROM ${name}`);
  }

  insert(row: JournalRow): void {
    this.#insert.run(
      row.id,
      row.previousDoc,
      row.doc,
      row.seq,
      row.epoch,
      row.typeVersion,
      row.kind,
      row.at,
      row.subject,
      row.client,
      row.n,
      row.low,
      row.born,
      row.hash,
      row.result,
      row.operations,
      row.events,
      row.hidden,
      journalChecksum(row),
    );
  }

  /** All rows in id order, unverified. Do not write while iterating. */
  *scan(): Generator<readonly unknown[]> {
    for (const raw of this.#scan.iterate()) yield columns(raw);
  }

  /** Empties the journal whole, which SQLite does by giving its pages back. */
  clear(): void {
    this.#clear.run();
  }
}
