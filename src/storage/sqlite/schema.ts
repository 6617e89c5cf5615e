// The tables of the file format and how a file is recognised as ours. It creates nothing: migrations.ts does.
// inspect-file.ts compares every file with these statements: a format in use never changes, but for its comments.

/** `PRAGMA application_id` of a Tidemark file: "TIDE". */
export const APPLICATION_ID = 0x54_49_44_45;

/** The two journals that take turns. */
export const JOURNALS = ["journal_a", "journal_b"] as const;
export type JournalName = (typeof JOURNALS)[number];

const journal = (name: JournalName | "salvage"): string => `
  CREATE TABLE ${name}(
    id INTEGER PRIMARY KEY, -- of its first row: rows are numbered in commit order over both journals, without gaps
    prev BLOB NOT NULL,     -- documents of the rows of the block before, u32: says whose rows were lost
    docs BLOB NOT NULL,     -- documents of its own rows, u32: says whose row is damaged
    rows BLOB NOT NULL,     -- row-layout.ts; each row carries a checksum
    crc INT NOT NULL)       -- of id, prev and docs
  `;

/** Format 1, in the order of creation. */
const FORMAT_1: readonly string[] = [
  "CREATE TABLE meta(key TEXT PRIMARY KEY, value NOT NULL, crc INT NOT NULL) WITHOUT ROWID",
  // epoch, head and status are as of the last fold; `trimmed` is the seq after which the log begins.
  `CREATE TABLE docs(
    doc INTEGER PRIMARY KEY, space TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT, tv INT NOT NULL, epoch INT NOT NULL, head INT NOT NULL, trimmed INT NOT NULL,
    next_due INT, crc INT NOT NULL)`,
  "CREATE UNIQUE INDEX docs_name ON docs(space, type, key)",
  "CREATE INDEX docs_due ON docs(next_due) WHERE next_due IS NOT NULL",
  // Apart from docs: an UPDATE beside a blob rewrites the blob.
  `CREATE TABLE snapshots(
    doc INTEGER PRIMARY KEY, seq INT NOT NULL, epoch INT NOT NULL, tv INT NOT NULL, body TEXT NOT NULL, crc INT NOT NULL)`,
  journal("journal_a"),
  journal("journal_b"),
  // Journals in which damage was found, row by row as they were: emptying one must not destroy what can be repaired.
  journal("salvage"),
  // In the order of folding, with the order of reading beside it: finding a place among bodies would read bodies.
  `CREATE TABLE segments(
    id INTEGER PRIMARY KEY, doc INT NOT NULL, last_seq INT NOT NULL, first_seq INT NOT NULL, epoch INT NOT NULL,
    tv INT NOT NULL, count INT NOT NULL, newest INT NOT NULL, body BLOB NOT NULL, crc INT NOT NULL)`,
  "CREATE UNIQUE INDEX segments_log ON segments(doc, last_seq)",
  `CREATE TABLE receipts(
    doc INT NOT NULL, sub TEXT NOT NULL, client TEXT NOT NULL, n INT NOT NULL, low INT NOT NULL, seq INT NOT NULL,
    epoch INT NOT NULL, born INT NOT NULL, hash INT NOT NULL, result TEXT, crc INT NOT NULL,
    PRIMARY KEY(doc, sub, client, n)) WITHOUT ROWID`,
];

/** What format 2 adds: who may come in. */
const FORMAT_2: readonly string[] = [
  // `used` decides nothing, changes often, and is not in the checksum.
  `CREATE TABLE keys(
    id TEXT PRIMARY KEY, name TEXT NOT NULL, space TEXT NOT NULL, hash BLOB NOT NULL, grants TEXT NOT NULL,
    powers TEXT NOT NULL, created INT NOT NULL, expires INT, used INT, crc INT NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE revocations(
    space TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at INT NOT NULL, until INT NOT NULL, crc INT NOT NULL,
    PRIMARY KEY(space, kind, name)) WITHOUT ROWID`,
];

/** What each format adds to the one before, in the order of creation. */
export const FORMATS: readonly (readonly string[])[] = [FORMAT_1, FORMAT_2];

/** The newest file format this build reads and writes. */
export const FORMAT = FORMATS.length;
