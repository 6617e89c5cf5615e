// The file's own few facts, each with a checksum: format, generation, and the first journal row that must be there.
import { checksum } from "./checksum.js";
import { columns, DamageError, integer, verify } from "./columns.js";
import type { Connection } from "./connection.js";

/** - `format`: of the tables. - `generation`: the newest epoch ever given. - `journal_first`: id of the oldest row a
 * journal must still hold; the next one to be written when both are empty. */
export type MetaKey = "format" | "generation" | "journal_first";

/** The value of a key; undefined when it is absent. Throws DamageError. */
export function readMeta(db: Connection, key: MetaKey): number | undefined {
  const row = db.prepare("SELECT value, crc FROM meta WHERE key = ?").raw().get(key);
  if (row === undefined) return undefined;
  const [value, crc] = columns(row);
  const number = integer(value);
  verify(crc, checksum(key, number), `the file's ${key}`);
  return number;
}

/** Like readMeta; absence is damage. */
export function requireMeta(db: Connection, key: MetaKey): number {
  const value = readMeta(db, key);
  if (value === undefined) throw new DamageError(`the file's ${key} is missing`);
  return value;
}

/** Inside a transaction of the caller. */
export function writeMeta(db: Connection, key: MetaKey, value: number): void {
  db.prepare(
    "INSERT INTO meta(key, value, crc) VALUES(?, ?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
  ).run(key, value, checksum(key, value));
}
