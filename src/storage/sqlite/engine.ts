// The store's work on its own thread, one call at a time: every call runs to its end before the next begins, so each
// read is one consistent view. It owns the connection and no clock, timer or randomness.
import type { ClientReceipts, KeyPage, LogRow, StoredReceipt } from "../../document/document-store.js";
import { StoreError } from "../../document/document-store.js";
import { unsettled } from "../unsettled.js";
import { appendBatch } from "./append.js";
import { type Connection, checkpointTruncate, durability, sqliteCode } from "./connection.js";
import { CredentialTables } from "./credential-tables.js";
import { DocumentStatus } from "./documents.js";
import { foldSlice } from "./fold.js";
import { loadDocument } from "./load.js";
import type { Receipt } from "./receipts.js";
import { FORMAT } from "./schema.js";
import type { SpaceGuard } from "./space-guard.js";
import { Tables } from "./tables.js";
import type { WriterCalls, WriterEvent } from "./writer-calls.js";

/** What an engine needs. */
export interface EngineOptions {
  /** A new connection with `synchronous=FULL` read back, after which nothing else writes documents. */
  readonly connect: () => Connection;
  readonly generation: number;
  /** Fold when the active journal holds so many rows, or about so many bytes. */
  readonly foldRows: number;
  readonly foldBytes: number;
  /** Receipts are kept so long after `born`. */
  readonly receiptKeepMs: number;
  readonly space: SpaceGuard;
  readonly tell: (event: WriterEvent) => void;
}

type In<Op extends keyof WriterCalls> = WriterCalls[Op]["in"];
type Out<Op extends keyof WriterCalls> = WriterCalls[Op]["out"];

/** What one slice of folding moves: about 10 ms of work, of which a document costs as much as 30 rows. */
const SLICE_ROWS = 3_000;
const SLICE_DOCUMENTS = 400;
const SLICE_BYTES = 1_024 * 1_024;
/** Rows of the table of documents looked at per step of a listing. */
const LIST_STEP = 256;

export class Engine {
  readonly #options: EngineOptions;
  #db: Connection;
  #tables: Tables | undefined;
  #credentials: CredentialTables;
  #foldPaused = false;
  #folds = 0;

  /** Takes over a connection. Throws DamageError when the file as a whole is damaged. */
  constructor(db: Connection, options: EngineOptions) {
    this.#db = db;
    this.#options = options;
    this.#tables = new Tables(db, options.tell);
    this.#credentials = new CredentialTables(db);
  }

  /** False after an indeterminate commit, until `recover` says `recovered`. */
  get serving(): boolean {
    return this.#tables !== undefined;
  }

  get foldPending(): boolean {
    return this.#tables?.journals.frozen !== undefined && !this.#foldPaused;
  }

  /** Commits a batch and starts a fold when the journal is full. Throws StoreError. */
  append(batch: In<"append">): Out<"append"> {
    const tables = this.#serving();
    this.#options.space.admit(batch.now);
    const answer = this.#writing(() => appendBatch(tables, batch));
    this.#foldPaused = false;
    const { journals } = tables;
    const { rows, bytes } = journals.active;
    const full = rows >= this.#options.foldRows || bytes >= this.#options.foldBytes;
    if (full && journals.frozen === undefined) journals.turn();
    return answer;
  }

  load(name: In<"load">): Out<"load"> {
    return loadDocument(this.#serving(), name);
  }

  /** Throws DamageError. */
  read({ doc, after, limit, bytesMax }: In<"read">): LogRow[] {
    const tables = this.#serving();
    return tables.guarding(doc, () => {
      const rows: LogRow[] = [];
      let bytes = 0;
      if (limit <= 0) return rows;
      for (const row of tables.log.rowsAfter(tables.documents.get(doc), after)) {
        bytes += row.operations.length + (row.events?.length ?? 0);
        if (rows.length > 0 && bytes > bytesMax) break;
        rows.push(row);
        if (rows.length >= limit || bytes >= bytesMax) break;
      }
      return rows;
    });
  }

  /** Throws DamageError. */
  epochAt({ doc, seq }: In<"epochAt">): number | undefined {
    const [row] = this.read({ doc, after: seq - 1, limit: 1, bytesMax: 0 });
    return row?.seq === seq ? row.epoch : undefined;
  }

  saveSnapshot({ doc, snapshot }: In<"saveSnapshot">): undefined {
    const tables = this.#serving();
    tables.guarding(doc, () => this.#writing(() => tables.transact(() => tables.snapshots.save(doc, snapshot))));
  }

  trim({ doc, bounds }: In<"trim">): undefined {
    const tables = this.#serving();
    tables.guarding(doc, () => {
      const row = tables.documents.get(doc);
      const head = tables.log.end(row).seq;
      const snapshot = tables.snapshots.get(doc)?.seq ?? 0;
      const last = tables.segments.trimmable(doc, { snapshot, beyond: head - bounds.deltas, since: bounds.since });
      if (last === undefined) return;
      this.#writing(() =>
        tables.transact(() => {
          tables.segments.deleteUpTo(doc, last);
          tables.documents.update({ ...row, trimmed: last });
        }),
      );
    });
  }

  /** Throws DamageError. */
  receipts({ doc, subject, client }: In<"receipts">): ClientReceipts {
    const tables = this.#serving();
    return tables.guarding(doc, () => {
      const found = tables.receipts.of({ doc, subject, client });
      for (const tail of tables.journals.tails(doc)) {
        found.push(...tail.receiptsOf(subject, client));
      }
      return clientReceipts(unsettled(found));
    });
  }

  list({ space, type, after, limit }: In<"list">): KeyPage {
    const tables = this.#serving();
    const keys: string[] = [];
    for (let from = after; ; ) {
      const page = tables.documents.page(space, type, from, LIST_STEP);
      for (const row of page) {
        from = "damaged" in row ? row.damaged : row.key;
        if ("damaged" in row || row.status === DocumentStatus.quarantined) continue;
        if (tables.reasonOf(row.doc) !== undefined || tables.log.end(row).deleted) continue;
        if (keys.length >= limit) return { keys, next: keys.at(-1) };
        keys.push(row.key);
      }
      if (page.length < LIST_STEP) return { keys, next: undefined };
    }
  }

  /** One slice; nothing to do is fine. The fuller the other journal is by now, the larger the slice. */
  fold({ now }: In<"fold">): undefined {
    const tables = this.#serving();
    const { frozen, active } = tables.journals;
    if (frozen === undefined) return;
    const pressure = Math.max(1, Math.ceil(active.rows / this.#options.foldRows));
    const horizon = now - this.#options.receiptKeepMs;
    const most = { rows: SLICE_ROWS, documents: SLICE_DOCUMENTS, bytes: SLICE_BYTES };
    // A full disk stops the folding, and the next commit that succeeds starts it again.
    this.#foldPaused = true;
    this.#options.space.admit(now);
    const parts = {
      ...partsOf(tables),
      quarantine: tables.quarantine.bind(tables),
      reasonOf: tables.reasonOf.bind(tables),
    };
    const slice = this.#writing(() => foldSlice(parts, frozen, { ...most, pressure, horizon }));
    this.#foldPaused = false;
    if (!slice.emptied) return;
    this.#folds++;
    this.#options.tell({ kind: "folded", rows: slice.rows });
  }

  /**
   * Makes sure that what is read is on disk: a new connection, the log written into the file and synced (R10). Throws
   * when the disk fails again, and then the store is dead.
   */
  recover(): "recovered" | "busy" {
    if (this.#tables !== undefined) return "recovered";
    if (this.#db.open) this.#db.close();
    try {
      this.#db = this.#options.connect();
      if (checkpointTruncate(this.#db) === "busy") return "busy";
    } catch (error) {
      const code = sqliteCode(error);
      if (code?.startsWith("SQLITE_BUSY") || code === "SQLITE_FULL") return "busy";
      throw error;
    }
    this.#tables = new Tables(this.#db, this.#options.tell);
    this.#credentials = new CredentialTables(this.#db);
    return "recovered";
  }

  credentials(): Out<"credentials"> {
    this.#serving();
    return this.#credentials.readIfChanged();
  }

  revoke(revocation: In<"revoke">): undefined {
    const { transact } = this.#serving();
    this.#writing(() => transact(() => this.#credentials.revoke(revocation)));
  }

  noteUse(uses: In<"noteUse">): undefined {
    const { transact } = this.#serving();
    this.#writing(() => transact(() => this.#credentials.noteUse(uses)));
  }

  facts(): Out<"facts"> {
    const tables = this.#serving();
    const { active, frozen } = tables.journals;
    return {
      ...durability(this.#db),
      format: FORMAT,
      generation: this.#options.generation,
      unfoldedRows: active.rows + (frozen?.rows ?? 0),
      folds: this.#folds,
      quarantined: tables.quarantinedCount,
    };
  }

  close(): void {
    this.#tables = undefined;
    if (this.#db.open) this.#db.close();
  }

  #serving(): Tables {
    if (this.#tables === undefined) throw new StoreError("failed", "the store is recovering");
    return this.#tables;
  }

  #writing<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      if (error instanceof StoreError && error.certainty === "indeterminate") this.#tables = undefined;
      throw error;
    }
  }
}

const partsOf = (tables: Tables) => {
  const { db, transact, documents, segments, receipts, journals } = tables;
  return { db, transact, documents, segments, receipts, journals };
};

function clientReceipts(kept: readonly Receipt[]): ClientReceipts {
  const receipts = kept.map(
    ({ n, seq, epoch, born, hash, result }): StoredReceipt => ({
      ...{ n, seq, epoch, born, hash },
      result: result ?? undefined,
    }),
  );
  const newest = kept.at(-1);
  return { low: newest?.low ?? 0, highest: newest?.n ?? 0, receipts };
}
