// The port between documents and whatever keeps them. One contract suite (test/contract) runs over every
// implementation. A store knows rows and positions; it never looks inside operations, results or events.

/** Which document: tenant, type and key. */
export interface DocumentName {
  readonly space: string;
  readonly type: string;
  readonly key: string;
}

/** A document as one store knows it: made by `load`, given back by `release`, meaningless to any other store. */
export interface DocumentRef {
  readonly name: DocumentName;
}

/** What a transaction was. The numbers are stored. `joined` and `left`: its subject became a member, or no longer is. */
export const TransactionKind = { message: 1, create: 2, delete: 3, joined: 4, left: 5 } as const;
export type TransactionKind = (typeof TransactionKind)[keyof typeof TransactionKind];

/** The request a transaction answered, kept with it in one commit so that a repeat gets the same answer (R6). */
export interface TransactionRequest {
  /** The subject of its transaction. */
  readonly subject: string;
  /** The client id of `hello`; its own name for HTTP callers. */
  readonly client: string;
  readonly n: number;
  /** The client's lowest unanswered n of this document. Receipts below the greatest one ever stored are settled. */
  readonly low: number;
  /** Server-clock ms of the first send. */
  readonly born: number;
  /** Of what was asked, below 2^53. */
  readonly hash: number;
  /** The result as JSON text; undefined: the handler returned nothing. */
  readonly result: string | undefined;
}

/** One committed transaction: a row of the log. */
export interface LogRow {
  readonly seq: number;
  readonly epoch: number;
  /** Version of the document type that wrote it. */
  readonly typeVersion: number;
  readonly kind: TransactionKind;
  /** When, Unix ms. */
  readonly at: number;
  /** Who; empty when nobody did. */
  readonly subject: string;
  /** Compact patch operations as JSON text: `[]` for a transaction that changed nothing. */
  readonly operations: string;
  /** `[[name, data], ...]` as JSON text; undefined: none. */
  readonly events: string | undefined;
}

/** A transaction to append. */
export interface Transaction extends LogRow {
  readonly request: TransactionRequest | undefined;
}

/** What one document wants appended: contiguous transactions, the first one right after the head. */
export interface Append {
  readonly ref: DocumentRef;
  readonly transactions: readonly Transaction[];
}

/** What became of one `Append`: all of its rows are durable, or another owner has taken the document. */
export type AppendOutcome = "committed" | "fenced";

/** The full state at a position. */
export interface StoredSnapshot {
  readonly seq: number;
  readonly epoch: number;
  readonly typeVersion: number;
  /** What the document is, as JSON text; only whoever wrote it reads it. */
  readonly body: string;
}

/** What `load` found. `epoch` is the one this owner writes on every row from now on. */
export type Loaded = { readonly ref: DocumentRef; readonly epoch: number } & (
  | { readonly status: "absent" }
  /** `head` is that of the tombstone: a document that is created again goes on from there. */
  | { readonly status: "deleted"; readonly head: StoredPosition }
  | { readonly status: "quarantined"; readonly reason: string }
  | {
      readonly status: "live";
      readonly head: StoredPosition;
      readonly snapshot: StoredSnapshot | undefined;
      /** Every row after the snapshot up to the head, in order. */
      readonly tail: readonly LogRow[];
    }
);

/** A position of the log. */
export interface StoredPosition {
  readonly seq: number;
  readonly epoch: number;
}

/** The receipt of an applied request. */
export interface StoredReceipt {
  readonly n: number;
  readonly seq: number;
  readonly epoch: number;
  readonly born: number;
  readonly hash: number;
  readonly result: string | undefined;
}

/** Everything remembered of one client at one document. */
export interface ClientReceipts {
  /** Greatest `low` ever stored; 0 if none. */
  readonly low: number;
  /** Greatest n ever applied; 0 if none. */
  readonly highest: number;
  /** The unsettled ones, by rising n: those with n >= low, and always the one with the greatest n. */
  readonly receipts: readonly StoredReceipt[];
}

/** How much of a log to keep: the tighter bound trims. Never past the newest snapshot. */
export interface TrimBounds {
  /** Rows that are further from the head than this go. */
  readonly deltas: number;
  /** Rows older than this go: Unix ms. */
  readonly since: number;
}

/** A page of keys of one type. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Pass as `after` for the next page; undefined: there is none. */
  readonly next: string | undefined;
}

/**
 * Why a store refused or failed.
 * - `disk_full`: nothing was written and the store goes on (R11).
 * - `indeterminate`: the commit may or may not be there. Memory is worthless until a `load` has answered (R10).
 * - `failed`: certainly not written.
 */
export class StoreError extends Error {
  readonly certainty: "disk_full" | "indeterminate" | "failed";

  constructor(certainty: StoreError["certainty"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.certainty = certainty;
  }
}

/** Keeps documents: one owner, durable commits, in the order given. */
export interface DocumentStore {
  /** Becomes the owner of a document and reads it; whoever owned it before is fenced from now on (R9). After an indeterminate append it answers only once the store has
   * proved that what it reads is on disk. Single-flight is the caller's concern. */
  load(name: DocumentName): Promise<Loaded>;

  /**
   * Commits a batch in one durable commit, an outcome for each entry in the order given. One call is in flight at a
   * time. When it resolves, every committed row, its receipts and new documents survive a power cut (R1).
   * Rejects with StoreError for the batch as a whole; after `indeterminate` its refs are fenced until they are loaded
   * again. Rejects with InvariantError, nothing written, for rows that do not follow the head.
   */
  append(batch: readonly Append[]): Promise<readonly AppendOutcome[]>;

  /** Durable rows with `after < seq`, in order, from one consistent view; stops at `limit` rows or after `bytesMax`
   * of operations and events, but gives at least one row if there is one. */
  read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]>;

  /** The epoch of the durable row at `seq`; undefined when it is trimmed or not there. */
  epochAt(ref: DocumentRef, seq: number): Promise<number | undefined>;

  /** Keeps the newest state beside the log. Never older than what is there. */
  saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void>;

  /** Forgets old rows, in the background of commits. Receipts stay. */
  trim(ref: DocumentRef, bounds: TrimBounds): Promise<void>;

  /** What is durable of one client's requests to one document. */
  receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts>;

  /** Keys of live documents, in byte order, after a key. */
  list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage>;

  /** Gives a document back; the ref is dead. */
  release(ref: DocumentRef): void;

  /** Finishes what is in flight and lets the file go. */
  close(): Promise<void>;
}
