// What the main thread asks of the writer thread and what it answers: plain data that a port can carry.

import type { Credentials, Revocation } from "../../auth/credential-store.js";
import type {
  ClientReceipts,
  DocumentName,
  KeyPage,
  LogRow,
  StoredPosition,
  StoredSnapshot,
  StoreError,
  TrimBounds,
} from "../../document/document-store.js";
import type { Durability } from "./connection.js";

/** One append as flat arrays and one string: what costs when it crosses to the other thread is how many things do. */
export interface PackedAppend {
  /** Unix ms. */
  readonly now: number;
  /** Per entry: the document's number; 0 for a new one, named by the next of `names`. */
  readonly docs: Int32Array;
  /** Per entry: how many rows. */
  readonly counts: Int32Array;
  readonly names: readonly DocumentName[];
  /** Per row: its fixed part (row-layout.ts); text ends count UTF-16 units. */
  readonly rows: Uint8Array;
  /** The texts of all rows, one after the other. */
  readonly texts: string;
}

/** `numbers` of the new documents, in order; `fenced` lists entries that were refused. */
export interface AppendAnswer {
  readonly numbers: readonly number[];
  readonly fenced: readonly number[];
}

/** What `load` found; number 0 is a document that nobody has created. */
export type LoadAnswer = { readonly doc: number } & (
  | { readonly status: "absent" }
  | { readonly status: "deleted"; readonly head: StoredPosition }
  | { readonly status: "quarantined"; readonly reason: string }
  | {
      readonly status: "live";
      readonly head: StoredPosition;
      readonly snapshot: StoredSnapshot | undefined;
      readonly tail: readonly LogRow[];
    }
);

/** How the store is doing, read from the connection itself. */
export interface StoreFacts extends Durability {
  readonly format: number;
  /** The epoch of this opening. */
  readonly generation: number;
  /** Rows in both journals. */
  readonly unfoldedRows: number;
  /** Journals folded and emptied since the opening. */
  readonly folds: number;
  /** Documents found damaged so far. */
  readonly quarantined: number;
}

/** Every call: what goes in, what comes out. */
export interface WriterCalls {
  readonly append: { readonly in: PackedAppend; readonly out: AppendAnswer };
  readonly load: { readonly in: DocumentName; readonly out: LoadAnswer };
  readonly read: {
    readonly in: { readonly doc: number; readonly after: number; readonly limit: number; readonly bytesMax: number };
    readonly out: readonly LogRow[];
  };
  readonly epochAt: { readonly in: { readonly doc: number; readonly seq: number }; readonly out: number | undefined };
  readonly saveSnapshot: {
    readonly in: { readonly doc: number; readonly snapshot: StoredSnapshot };
    readonly out: undefined;
  };
  readonly trim: { readonly in: { readonly doc: number; readonly bounds: TrimBounds }; readonly out: undefined };
  readonly receipts: {
    readonly in: { readonly doc: number; readonly subject: string; readonly client: string };
    readonly out: ClientReceipts;
  };
  readonly list: {
    readonly in: { readonly space: string; readonly type: string; readonly after: string; readonly limit: number };
    readonly out: KeyPage;
  };
  /** One slice of folding. */
  readonly fold: { readonly in: { readonly now: number }; readonly out: undefined };
  /** After an indeterminate commit: a new connection and a checkpoint. `busy`: ask again. */
  readonly recover: { readonly in: undefined; readonly out: "recovered" | "busy" };
  /** Undefined: no other connection has written since. */
  readonly credentials: { readonly in: undefined; readonly out: Credentials | undefined };
  readonly revoke: { readonly in: Revocation; readonly out: undefined };
  readonly noteUse: {
    readonly in: readonly { readonly id: string; readonly at: number }[];
    readonly out: undefined;
  };
  readonly facts: { readonly in: undefined; readonly out: StoreFacts };
  readonly close: { readonly in: undefined; readonly out: undefined };
}

export type WriterOp = keyof WriterCalls;

/** A call on its way. */
export type WriterRequest = {
  readonly [Op in WriterOp]: { readonly id: number; readonly op: Op; readonly input: WriterCalls[Op]["in"] };
}[WriterOp];

/**
 * Why a call failed.
 * - `recovering`: not tried; ask again after `recover`.
 * - `fatal`: the store is dead.
 * - `bug`: an invariant broke.
 */
export type WriterFailure =
  | { readonly kind: "store"; readonly certainty: StoreError["certainty"]; readonly message: string }
  | { readonly kind: "recovering" }
  | { readonly kind: "fatal"; readonly message: string }
  | { readonly kind: "bug"; readonly message: string };

/** What the writer has to tell beside its answers. */
export type WriterEvent =
  | { readonly kind: "quarantined"; readonly name: DocumentName | undefined; readonly reason: string }
  | { readonly kind: "folded"; readonly rows: number };

/** An answer. `foldPending`: there is folding to do, send `fold` when nothing more urgent waits. */
export type WriterAnswer = {
  readonly id: number;
  readonly foldPending: boolean;
  readonly events: readonly WriterEvent[];
} & (
  | { readonly ok: true; readonly value: WriterCalls[WriterOp]["out"] }
  | { readonly ok: false; readonly failure: WriterFailure }
);
