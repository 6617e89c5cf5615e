// Opens connections that write, with the durability every promise rests on, and reads it back: better-sqlite3 falls
// back to NORMAL when it opens a file that is in WAL mode already (R1). It knows no table.
import Database from "better-sqlite3";

export type Connection = Database.Database;

/** What is in force on a connection, read from it and not from what was asked. */
export interface Durability {
  readonly journalMode: string;
  readonly synchronous: string;
  readonly autoCheckpointPages: number;
}

const LEVELS = ["OFF", "NORMAL", "FULL", "EXTRA"] as const;
const BUSY_MS = 2_000;

/** A connection for the one writer. Throws when WAL with `synchronous=FULL` cannot be had. */
export function openForWriting(file: string): Connection {
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("wal_autocheckpoint = 1000");
    db.pragma("cache_size = -65536");
    db.pragma("cell_size_check = ON");
    const { journalMode, synchronous } = durability(db);
    if (journalMode !== "wal" || synchronous !== "FULL") {
      throw new Error(`the file answers journal_mode=${journalMode}, synchronous=${synchronous}`);
    }
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Reads the settings a connection really has. */
export function durability(db: Connection): Durability {
  const level = Number(db.pragma("synchronous", { simple: true }));
  return {
    journalMode: String(db.pragma("journal_mode", { simple: true })),
    synchronous: LEVELS[level] ?? `unknown ${level}`,
    autoCheckpointPages: Number(db.pragma("wal_autocheckpoint", { simple: true })),
  };
}

/** SQLite's own code of an error, such as `SQLITE_FULL`; undefined for other errors. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** Moves everything from the log into the file and syncs it (R10). `busy`, at once, while another connection reads. */
export function checkpointTruncate(db: Connection): "done" | "busy" {
  db.pragma("busy_timeout = 0");
  const rows: unknown = db.pragma("wal_checkpoint(TRUNCATE)");
  db.pragma(`busy_timeout = ${BUSY_MS}`);
  const first: unknown = Array.isArray(rows) ? rows[0] : undefined;
  if (typeof first !== "object" || first === null || !("busy" in first)) throw new Error("no answer to a checkpoint");
  return first.busy === 0 ? "done" : "busy";
}
