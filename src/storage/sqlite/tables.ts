// Everything the engine knows through one connection: the tables, the index of what is not folded, and which
// documents are in quarantine. It is made anew with each connection.
import { InvariantError } from "../../runtime/invariant.js";
import { DamageError } from "./columns.js";
import { type Connection, sqliteCode } from "./connection.js";
import { Documents } from "./documents.js";
import { checkIdentity, type Identity } from "./identity.js";
import { scanJournals } from "./journal-scan.js";
import { Journals } from "./journals.js";
import { Log } from "./log.js";
import { requireMeta } from "./meta.js";
import { Receipts } from "./receipts.js";
import { Segments } from "./segments.js";
import { Snapshots } from "./snapshots.js";
import { messageOf, type Transact, transactions } from "./transact.js";
import type { WriterEvent } from "./writer-calls.js";

export class Tables {
  readonly db: Connection;
  readonly transact: Transact;
  readonly documents: Documents;
  readonly snapshots: Snapshots;
  readonly segments: Segments;
  readonly receipts: Receipts;
  readonly journals: Journals;
  readonly log: Log;
  readonly identity: Identity;
  /** Number of the next new document. */
  nextDoc: number;
  readonly #quarantined: Map<number, string>;
  readonly #tell: (event: WriterEvent) => void;

  /** Reads the whole table of documents and both journals. Throws DamageError when the file as a whole is damaged. */
  constructor(db: Connection, tell: (event: WriterEvent) => void) {
    this.db = db;
    this.#tell = tell;
    this.transact = transactions(db);
    this.documents = new Documents(db);
    this.snapshots = new Snapshots(db);
    this.segments = new Segments(db);
    this.receipts = new Receipts(db);
    this.identity = checkIdentity(db);
    this.nextDoc = this.identity.nextDoc;
    this.journals = new Journals(db, requireMeta(db, "journal_first"));
    this.log = new Log(this.segments, this.journals);
    this.#quarantined = scanJournals(this.journals, this.documents);
    for (const [doc, reason] of this.#quarantined) this.#announce(doc, reason);
  }

  get quarantinedCount(): number {
    return this.#quarantined.size + this.identity.hiddenNames.size;
  }

  /** Why a document is out of service; undefined when it is not. */
  reasonOf(doc: number): string | undefined {
    return this.#quarantined.get(doc);
  }

  /** Takes a document out of service: nothing is appended to it or folded of it any more (R12). */
  quarantine(doc: number, reason: string): void {
    if (this.#quarantined.has(doc)) return;
    this.#quarantined.set(doc, reason);
    this.journals.setAside(doc);
    this.#announce(doc, reason);
  }

  /** Runs a read of one document; damage met on the way puts it in quarantine and comes out again. */
  guarding<T>(doc: number, read: () => T): T {
    const known = this.reasonOf(doc);
    if (known !== undefined) throw new DamageError(known);
    try {
      return read();
    } catch (error) {
      const damage = damageOf(error);
      if (damage === undefined) throw error;
      this.quarantine(doc, damage.reason);
      throw damage;
    }
  }

  #announce(doc: number, reason: string): void {
    this.#tell({ kind: "quarantined", name: this.#nameOf(doc), reason });
  }

  #nameOf(doc: number): { space: string; type: string; key: string } | undefined {
    try {
      const { space, type, key } = this.documents.get(doc);
      return { space, type, key };
    } catch (error) {
      if (error instanceof DamageError) return undefined;
      throw error instanceof Error ? error : new InvariantError(String(error));
    }
  }
}

/** What a read met, if it is damage: found by our own checks, or by SQLite in the structure around a row. */
function damageOf(error: unknown): DamageError | undefined {
  if (error instanceof DamageError) return error;
  if (sqliteCode(error)?.startsWith("SQLITE_CORRUPT") !== true) return undefined;
  return new DamageError(`its place in the file cannot be read: ${messageOf(error)}`);
}
