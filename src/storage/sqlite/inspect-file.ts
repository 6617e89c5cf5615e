// Looks at a file before anything writes it: is it ours, and of which format? A file that is refused stays as it was.
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { columns, DamageError, integer, text } from "./columns.js";
import { type Connection, sqliteCode } from "./connection.js";
import { readMeta } from "./meta.js";
import { OpenFailure } from "./open-failure.js";
import { APPLICATION_ID, FORMAT, FORMATS } from "./schema.js";

const MAGIC = "SQLite format 3\0";

/** The format of the file; 0 when it is absent or empty. The caller holds the side lock. Throws OpenFailure. */
export function inspectFile(file: string): number {
  if (!existsSync(file) || statSync(file).size === 0) return 0;
  if (statSync(file).isDirectory()) throw notOurs(file, "it is a directory");
  // Beside a rollback journal even the first bytes may be torn: what the file is shows once SQLite has rolled it back.
  const cutOff = existsSync(`${file}-journal`);
  if (!cutOff && firstBytes(file, MAGIC.length) !== MAGIC) throw notOurs(file, "it is not SQLite");
  try {
    return formatOf(file);
  } catch (error) {
    throw explained(file, error);
  }
}

/** The file as a whole cannot be read. */
export function damaged(file: string, reason: string, cause?: unknown): OpenFailure {
  const hint = "Keep a copy of the file, and restore the newest backup.";
  return new OpenFailure("database_damaged", `${file} is damaged: ${reason}`, hint, { cause });
}

/** Turns what opening threw into what an operator is told. */
export function explained(file: string, error: unknown): OpenFailure {
  if (error instanceof OpenFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DamageError) return damaged(file, error.reason, error);
  const code = sqliteCode(error);
  if (code === "SQLITE_NOTADB") return notOurs(file, message, error);
  if (code?.startsWith("SQLITE_CORRUPT")) return damaged(file, message, error);
  const hint = "Check that the directory exists, is writable and has room, and look for disk errors in the system log.";
  return new OpenFailure("storage_failed", `${file} cannot be used: ${message}`, hint, { cause: error });
}

function formatOf(file: string): number {
  try {
    return readFormat(file, { readonly: true });
  } catch (error) {
    // A crash left a hot journal: until it is rolled back, which only a writer may do, the file says nothing.
    if (sqliteCode(error)?.startsWith("SQLITE_READONLY") !== true) throw error;
    return readFormat(file, { readonly: false });
  }
}

function readFormat(file: string, options: { readonly: boolean }): number {
  const db = new Database(file, options);
  try {
    const id: unknown = db.pragma("application_id", { simple: true });
    const tables: unknown = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
    // A crash between the file's creation and its first migration leaves an empty database.
    if (tables === 0 && id === 0) return 0;
    if (id !== APPLICATION_ID) throw notOurs(file, "another application made it");
    const format = readMeta(db, "format");
    if (format === undefined || format < 1) throw damaged(file, "its format is not written down");
    if (format > FORMAT) throw newer(file, format);
    verifyTables(db, format);
    return format;
  } finally {
    db.close();
  }
}

/**
 * SQLite takes what it reads about tables at its word: a letter changed in a type, or a root that is another table's,
 * makes rows of a journal invisible, and no checksum of a row shows that. Throws DamageError.
 */
function verifyTables(db: Connection, format: number): void {
  const found = new Map<string, string>();
  const roots = new Set([1]);
  for (const row of db.prepare("SELECT name, rootpage, sql FROM sqlite_schema").raw().all()) {
    const [name, root, sql] = columns(row);
    if (roots.has(integer(root)) && root !== 0)
      throw new DamageError(`two of its tables begin at page ${String(root)}`);
    roots.add(integer(root));
    if (sql !== null) found.set(text(name), asWritten(text(sql)));
  }
  for (const statement of FORMATS.slice(0, format).flat()) {
    const name = /^CREATE (?:TABLE|(?:UNIQUE )?INDEX) (\w+)/.exec(statement.trim())?.[1] ?? "";
    if (found.get(name) !== asWritten(statement))
      throw new DamageError(`its table or index ${name} is not as it was made`);
  }
}

/** A statement without comments, in one line. */
const asWritten = (sql: string): string =>
  sql
    .replaceAll(/--[^\n]*/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();

function firstBytes(file: string, length: number): string {
  const fd = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(length);
    return buffer.toString("latin1", 0, readSync(fd, buffer, 0, length, 0));
  } finally {
    closeSync(fd);
  }
}

const notOurs = (file: string, why: string, cause?: unknown): OpenFailure =>
  new OpenFailure(
    "not_a_database",
    `${file} is not a Tidemark database: ${why}`,
    "Give the path of a Tidemark database with --data, or a path that does not exist yet to create one.",
    { cause },
  );

const newer = (file: string, format: number): OpenFailure =>
  new OpenFailure(
    "newer_format",
    `${file} has format ${format}, and this version reads up to ${FORMAT}`,
    "Start the version of Tidemark that wrote it, or a newer one.",
  );
