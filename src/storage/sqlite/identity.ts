// Checks at start that each document is found under its name: the table against its index and its numbers. A name that
// could not be found would read as absent and be created a second time (R12).
import { crc32 } from "node:zlib";
import type { DocumentName } from "../../document/document-store.js";
import { nameKey } from "../name-key.js";
import { columns, DamageError, integer, text } from "./columns.js";
import type { Connection } from "./connection.js";
import { DOCUMENT_COLUMNS, parseDocumentRow } from "./documents.js";

/** What the check found. */
export interface Identity {
  /** Number of the next new document. */
  readonly nextDoc: number;
  /** Names that the index does not find, with the reason. */
  readonly hiddenNames: ReadonlyMap<string, string>;
  /** Why a name that is not found may be one that is lost; undefined when all are accounted for. */
  readonly namesLost: string | undefined;
}

export function checkIdentity(db: Connection): Identity {
  const used = greatestUse(db);
  const { count, greatest, unfound } = lookUpAll(db);
  // A start must not read a million rows one by one to learn that nothing is wrong.
  if (unfound > 0 || count !== greatest) return checkRows(db, used);
  return identity({ numbers: greatest, used, hiddenNames: new Map(), lost: 0 });
}

/** Looks each row's name up in the index as a load does, within SQLite: a bare lookup costs a tenth of reading the row. */
function lookUpAll(db: Connection): {
  readonly count: number;
  readonly greatest: number;
  readonly unfound: number;
} {
  const lookUp = `SELECT 1 FROM docs AS named INDEXED BY docs_name
    WHERE named.space = docs.space AND named.type = docs.type AND named.key = docs.key AND named.doc = docs.doc`;
  const counts = db.prepare(`SELECT count(*), max(doc), sum(NOT EXISTS (${lookUp})) FROM docs NOT INDEXED`).raw().get();
  const [count = 0, greatest = 0, unfound = 0] = columns(counts).map((value) => (value === null ? 0 : integer(value)));
  return { count, greatest, unfound };
}

/** Something is wrong: what, row by row. */
function checkRows(db: Connection, used: number): Identity {
  const names = readTable(db);
  const found = readIndex(db, names);
  const hiddenNames = new Map<string, string>();
  let lost = 0;
  names.forEach((hash, doc) => {
    if (found.has(doc)) return;
    const name = hash === undefined ? undefined : nameOf(db, doc);
    if (name !== undefined) hiddenNames.set(nameKey(name), `the index of names has lost document ${doc}`);
    else if (doc > 0) lost++;
  });
  return identity({ numbers: names.length - 1, used, hiddenNames, lost });
}

/** `numbers`: the greatest of the table; `lost`: those below it that nothing is known of. */
function identity({
  numbers,
  used,
  hiddenNames,
  lost,
}: Pick<Identity, "hiddenNames"> & {
  readonly numbers: number;
  readonly used: number;
  readonly lost: number;
}): Identity {
  const isLost = lost > 0 || used > numbers;
  const namesLost = isLost ? "rows of the table of documents are lost, and this may be one of them" : undefined;
  return { nextDoc: Math.max(numbers, used) + 1, hiddenNames, namesLost };
}

/** Hash of the name by number; undefined for a damaged or missing row. Index 0 is unused. */
function readTable(db: Connection): (number | undefined)[] {
  const names: (number | undefined)[] = [undefined];
  for (const raw of db.prepare(`SELECT ${DOCUMENT_COLUMNS} FROM docs NOT INDEXED ORDER BY doc`).raw().iterate()) {
    const doc = integer(columns(raw)[0]);
    while (names.length < doc) names.push(undefined);
    names.push(hashOrDamaged(raw));
  }
  return names;
}

function hashOrDamaged(raw: unknown): number | undefined {
  try {
    return crc32(nameKey(parseDocumentRow(raw)));
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}

/** Numbers the index finds under the name the table has; a damaged row of the table is found under any name. */
function readIndex(db: Connection, names: readonly (number | undefined)[]): Set<number> {
  const found = new Set<number>();
  const scan = db
    .prepare("SELECT doc, space, type, key FROM docs INDEXED BY docs_name ORDER BY space, type, key")
    .raw();
  for (const raw of scan.iterate()) {
    const [doc, space, type, key] = columns(raw);
    const hash = names[integer(doc)];
    const name = { space: text(space), type: text(type), key: text(key) };
    if (hash === undefined || hash === crc32(nameKey(name))) found.add(integer(doc));
  }
  return found;
}

function nameOf(db: Connection, doc: number): DocumentName | undefined {
  return parseDocumentRow(db.prepare(`SELECT ${DOCUMENT_COLUMNS} FROM docs NOT INDEXED WHERE doc = ?`).raw().get(doc));
}

/** Greatest number that anything else speaks of. */
function greatestUse(db: Connection): number {
  const tables = ["segments", "snapshots", "receipts"].map((table) => `(SELECT max(doc) FROM ${table})`);
  const row = columns(
    db
      .prepare(`SELECT ${tables.join(", ")}`)
      .raw()
      .get(),
  );
  return row.reduce<number>((greatest, doc) => Math.max(greatest, doc === null ? 0 : integer(doc)), 0);
}
