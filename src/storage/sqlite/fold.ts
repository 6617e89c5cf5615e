// Moves the rows of the frozen journal into segments and receipts, a slice at a time between commits, and empties it
// whole, last. Idempotent: a document's folded head moves in the same transaction as its rows, so after a crash at any
// point the same journal is simply folded on.
import { TransactionKind } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import type { Connection } from "./connection.js";
import { DocumentStatus, type Documents } from "./documents.js";
import type { Journals } from "./journals.js";
import { writeMeta } from "./meta.js";
import type { Receipt, Receipts } from "./receipts.js";
import type { Row } from "./row-block.js";
import type { Segments } from "./segments.js";
import type { Transact } from "./transact.js";
import type { Unfolded } from "./unfolded.js";

/** What the fold works on. */
export interface FoldParts {
  readonly db: Connection;
  readonly transact: Transact;
  readonly documents: Documents;
  readonly segments: Segments;
  readonly receipts: Receipts;
  readonly journals: Journals;
  /** Takes a damaged document out of service. */
  readonly quarantine: (doc: number, reason: string) => void;
  readonly reasonOf: (doc: number) => string | undefined;
}

/** How much one slice moves at most, so that it stays within about 20 ms, and which receipts have had their time. */
export interface SliceLimits {
  readonly rows: number;
  readonly documents: number;
  readonly bytes: number;
  /** How many times all that: 1 unless the fold must catch up. */
  readonly pressure: number;
  /** Receipts born before, Unix ms, go. */
  readonly horizon: number;
}

/** What a slice did: `emptied` when the journal is done with, then `rows` is how many it held. */
export type Slice = { readonly emptied: false } | { readonly emptied: true; readonly rows: number };

/** Receipts looked at per slice on top of twice the growth: the whole table is passed in the long run. */
const SWEEP_MIN = 32;

/** One slice, one transaction. Throws StoreError. */
export function foldSlice(parts: FoldParts, frozen: Unfolded, limits: SliceLimits): Slice {
  if (frozen.tails.size === 0) return empty(parts, frozen);
  const moved = new Map<number, number>();
  try {
    parts.transact(() => moveSome({ parts, frozen, moved }, limits));
  } catch (error) {
    if (!(error instanceof FoldDamage)) throw error;
    parts.quarantine(error.doc, error.reason);
    return { emptied: false };
  }
  for (const [doc, count] of moved) forget(frozen, doc, count);
  return { emptied: false };
}

/** Damage met while folding one document: the slice is rolled back and the others go on without it. */
class FoldDamage extends DamageError {
  readonly doc: number;

  constructor(doc: number, reason: string) {
    super(reason);
    this.doc = doc;
  }
}

interface Move {
  readonly parts: FoldParts;
  readonly frozen: Unfolded;
  /** Rows taken, by document. */
  readonly moved: Map<number, number>;
}

function moveSome({ parts, frozen, moved }: Move, limits: SliceLimits): void {
  let rowsLeft = limits.rows * limits.pressure;
  let bytesLeft = limits.bytes * limits.pressure;
  const documentsMax = limits.documents * limits.pressure;
  let growth = 0;
  for (const [doc, tail] of frozen.tails) {
    if (rowsLeft <= 0 || bytesLeft <= 0 || moved.size >= documentsMax) break;
    const rows = tail.oldest(rowsLeft, bytesLeft);
    growth += attributing(doc, () => foldDocument(parts, doc, rows));
    moved.set(doc, rows.length);
    rowsLeft -= rows.length;
    bytesLeft -= rows.reduce((sum, row) => sum + row.textBytes, 0);
  }
  const sweepCount = Math.max(0, 2 * growth) + SWEEP_MIN;
  for (const doc of parts.receipts.sweep(limits.horizon, sweepCount)) parts.quarantine(doc, "a receipt is damaged");
}

function attributing<T>(doc: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof DamageError ? new FoldDamage(doc, error.reason) : error;
  }
}

/** Returns by how many receipts the table grew. */
function foldDocument(parts: FoldParts, doc: number, rows: readonly Row[]): number {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const before = parts.documents.get(doc);
  if (first.seq !== before.head + 1) throw new DamageError(`rows after ${before.head} are missing from the journal`);
  parts.segments.pack(doc, rows);
  let growth = 0;
  for (const asked of byAsker(rows)) {
    const [{ subject, client }] = asked;
    growth += parts.receipts.fold({ doc, subject, client }, stillUnsettled(asked));
  }
  const status = last.kind === TransactionKind.delete ? DocumentStatus.deleted : DocumentStatus.live;
  parts.documents.update({ ...before, status, typeVersion: last.typeVersion, epoch: last.epoch, head: last.seq });
  return growth;
}

type Asked = [Row, ...Row[]];

/** Rows that answer requests, those of each client together. */
function byAsker(rows: readonly Row[]): Iterable<Asked> {
  const groups = new Map<string, Asked>();
  let latest: Asked | undefined;
  for (const row of rows) {
    if (!row.answers) continue;
    if (latest === undefined || !row.sameAsker(latest[0])) latest = groupOf(groups, row);
    else latest.push(row);
  }
  return groups.values();
}

function groupOf(groups: Map<string, Asked>, row: Row): Asked {
  const key = `${row.client}\0${row.subject}`;
  const present = groups.get(key);
  const group: Asked = present ?? [row];
  if (present === undefined) groups.set(key, group);
  else present.push(row);
  return group;
}

/** Receipts of the rows that matter after all of these, which carry the greatest low of all. */
function stillUnsettled(asked: Asked): Receipt[] {
  let low = 0;
  let highest = 0;
  for (const row of asked) {
    low = Math.max(low, row.low);
    highest = Math.max(highest, row.n);
  }
  const receipts: Receipt[] = [];
  for (const row of asked) {
    if (row.n === highest) receipts.push(row.toReceipt(low));
    else if (row.n >= low) receipts.push(row.toReceipt(row.low));
  }
  return receipts;
}

function forget(frozen: Unfolded, doc: number, count: number): void {
  const tail = frozen.tails.get(doc);
  if (tail === undefined) return;
  tail.drop(count);
  if (tail.length === 0) frozen.tails.delete(doc);
}

/** The last step: everything is in its place, so the journal goes whole. */
function empty(parts: FoldParts, frozen: Unfolded): Slice {
  parts.transact(() => {
    if (frozen.aside.size > 0) salvage(parts, frozen);
    parts.journals.table(frozen.journal).clear();
    writeMeta(parts.db, "journal_first", parts.journals.activeFirstId);
  });
  parts.journals.folded();
  return { emptied: true, rows: frozen.rows };
}

/** Keeps the whole journal for repair, and writes the quarantine down, since what it was found by goes away. */
function salvage(parts: FoldParts, frozen: Unfolded): void {
  parts.db.exec(`INSERT OR IGNORE INTO salvage SELECT * FROM ${frozen.journal}`);
  for (const doc of frozen.aside) {
    try {
      const row = parts.documents.get(doc);
      const reason = parts.reasonOf(doc) ?? "damage was found";
      parts.documents.update({ ...row, status: DocumentStatus.quarantined, reason });
    } catch (error) {
      // Its row in the table of documents is what is damaged: that is found again at each start.
      if (!(error instanceof DamageError)) throw error;
    }
  }
}
