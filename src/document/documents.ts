// What sessions know of documents: the port that local hosts implement, and later a peer link and a cluster's routing.
// Everything that comes back through it has passed the output gate: it is durable, or says nothing of what is not.
import type { ErrorCode, Fault, HeldPosition, Json, Principal, Retry, WirePosition } from "@tidemark/protocol";
import type { DocumentName, StoredPosition } from "./document-store.js";
import type { Grant } from "./grants.js";

/** Who asks, within which tenant. */
export interface Caller {
  readonly principal: Principal;
  readonly space: string;
  /** What its token adds to the rules of the types. Handlers and views never see it. */
  readonly grants?: readonly Grant[];
  /** What is not among these is out of its reach, whatever the rules and its grants say; undefined: nothing is. */
  readonly scope?: readonly Grant[] | undefined;
}

/** What became of a request. `refused` and `denied` copies were certainly not applied (R8). `at`: where a message was
 * applied; null for what applied nothing. */
export type Answer =
  | { readonly kind: "ok"; readonly at: StoredPosition | null; readonly resultJson: string | undefined }
  | ({ readonly kind: "no" } & RefusedAnswer)
  | { readonly kind: "unknown"; readonly code: ErrorCode; readonly afterMs?: number; readonly final?: boolean };

/** The parts of a refusal that the error registry does not know. */
export interface RefusedAnswer {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly retry?: Retry;
  readonly fault?: Fault;
  readonly afterMs?: number;
  readonly reason?: string;
  readonly data?: Json;
}

/** Who sent a call, and by which connection. */
export interface Origin {
  readonly caller: Caller;
  /** The client id of `hello`. */
  readonly client: string;
  /** Number of the connection; copies that came by an older one are dropped (REQ). */
  readonly conn: number;
  /** How many calls come in this client's name, copies aside, when that is known: nothing is remembered of such a client
   * but its receipts, which are stored. */
  readonly callsMax?: number;
  /** Nobody has ever used this client id: there are no receipts to look for. */
  readonly isFresh?: boolean;
  /** Nobody hears an answer any more: what only looks need not be done. */
  readonly isGone?: boolean;
  /** At most once for each copy of a call, in gate order, perhaps before `call` has returned. */
  answer(call: Call, answer: Answer): void;
}

/** A message, query or service call on one document. */
export interface Call {
  readonly document: DocumentName;
  readonly origin: Origin;
  readonly n: number;
  /** A message or query of the type, or one of the service's own: `$head`, `$create`, `$delete`, `$get`, `$history`. */
  readonly name: string;
  readonly input: Json;
  readonly query: boolean;
  readonly low: number;
  readonly born: number;
  /** Milliseconds after `born` at which it must have begun. */
  readonly ttlMs: number | undefined;
  readonly ifSeq: number | undefined;
  /** With `ifSeq`: the epoch that seq was written in. Undefined: any. */
  readonly ifEpoch?: number;
}

/** A durable transaction, ready to be sent: without what hidden parts it touched. */
export interface Committed {
  readonly epoch: number;
  /** Epoch of the transaction before it. */
  readonly previousEpoch: number;
  readonly seq: number;
  readonly at: number;
  /** Compact operations as JSON text. */
  readonly operations: string;
  /** `[[name, data], ...]` as JSON text. */
  readonly events: string | undefined;
  /** The author's id, when the type reveals authors. */
  readonly by: string | undefined;
}

/** A full state, serialised once and shared: by all who reset there without its hidden parts. */
export interface Snapshot {
  readonly epoch: number;
  readonly seq: number;
  readonly stateJson: string;
}

/** An event found in the log for a subscriber that resets. */
export interface PastEvent {
  readonly seq: number;
  readonly at: number;
  readonly name: string;
  readonly data: Json;
}

/** How a subscription begins, or why it does not. */
export type Opening =
  | {
      readonly kind: "resume";
      readonly tag: string;
      readonly prev: WirePosition;
      readonly missed: readonly Committed[];
    }
  | {
      readonly kind: "reset";
      readonly tag: string;
      readonly snapshot: Snapshot;
      readonly events: readonly PastEvent[];
      /** Events since the position held are lost. */
      readonly gap: boolean;
    }
  | ViewOpening
  | { readonly kind: "ended"; readonly code: ErrorCode; readonly afterMs?: number; readonly data?: Json };

/** How a subscription to a view begins, or goes on when its group has changed. */
export interface ViewOpening {
  readonly kind: "view";
  /** One or two: shared, then mine. */
  readonly layers: readonly LayerOpening[];
  /** The position of all layers behind it. */
  readonly at: StoredPosition;
  readonly events: readonly PastEvent[];
  readonly gap: boolean;
}

/** One layer of it. `layer` is its number. */
export type LayerOpening =
  | {
      readonly mode: "resume";
      readonly layer: number;
      readonly tag: string;
      /** Seq that the next delta links to, the first of `deltas` if there is one. */
      readonly prev: number;
      readonly deltas: readonly LayerDelta[];
      /** The seq that is held, where it may be before `prev`. */
      readonly held?: number;
    }
  /** The snapshot bears the point of the layer's last change. */
  | { readonly mode: "reset"; readonly layer: number; readonly tag: string; readonly snapshot: Snapshot };

/** What a range of transactions did to one layer. */
export interface LayerDelta {
  /** The layer's change before it. */
  readonly prev: StoredPosition;
  readonly to: StoredPosition;
  /** When the last of its transactions was committed, Unix ms. */
  readonly at: number | undefined;
  /** Compact operations as JSON text. */
  readonly operations: string;
  readonly events: readonly PastEvent[];
  /** About what they take as text; undefined: nobody has counted. */
  readonly eventsBytes?: number;
  /** The author's id, when the type reveals authors and the range has one. */
  readonly by: string | undefined;
}

/** What one follower of a document says to the others: it is kept nowhere. `meta`: what it shows of itself; null: nothing,
 * it only watches who is present. */
export type Speech =
  | { readonly kind: "signal"; readonly name: string; readonly data: Json }
  | { readonly kind: "presence"; readonly meta: Json };

/** One subscription, as a document sees it. All calls come in gate order, perhaps before `open` has returned: first
 * `opened`, then `ended` at most once; or `ended` alone, for one who lost the right, or the document, before. A view
 * is `opened` again when its viewer's group has changed. */
export interface Follower {
  /** May change; then `refresh` is called. */
  readonly caller: Caller;
  /** The follower is attached to the audience from this very call on, unless it is `ended`. */
  opened(opening: Opening): void;
  ended(code: ErrorCode): void;
  /** What it wanted to say, as the schema of its type reads it, or why it may not. While it is attached only. */
  said(speech: Speech, refusal: RefusedAnswer | undefined): void;
}

/** Asks to follow a document. */
export interface OpenRequest {
  readonly document: DocumentName;
  readonly held: HeldPosition | undefined;
  /** The position of the layer `mine`. */
  readonly heldMine?: HeldPosition | undefined;
  readonly params?: Json | undefined;
  /** What to create the document with if it is absent; undefined: do not create. */
  readonly create: Json | undefined;
  /** Of a channel: how many of its newest messages to begin with, when nothing is held. */
  readonly last?: number | undefined;
  readonly follower: Follower;
}

/** Takes the durable transactions of one document, in order. */
export interface RowAudience {
  /** The document is loaded, nobody follows yet: the point of the last transaction known to have changed it. */
  begin(at: { readonly epoch: number; readonly seq: number }): void;
  /** Durable transactions, contiguous with what was delivered before. */
  deliver(transactions: readonly Committed[]): void;
  /** The document is unloaded; nobody follows it any more. */
  retire(): void;
}

/** Everybody who follows one document on this process; the session room's fan-out implements it. Documents with views
 * have layers, named by numbers, and deliver releases instead of transactions. */
export interface Audience extends RowAudience {
  /** The next delta of this layer links to `chain`. Nobody is attached to it. */
  beginLayer(layer: number, chain: StoredPosition): void;
  /** Nobody will be attached to it any more. */
  endLayer(layer: number): void;
  /** The durable head has moved; these layers have changed on the way. */
  release(head: StoredPosition, deltas: ReadonlyMap<number, LayerDelta>): void;
}

/** What an audience is told of its document's type. */
export interface AudienceOptions {
  /** The pace of those who ask for none, ms; 0: every commit. */
  readonly everyMs: number;
  /** Whether its followers may say something to each other, and who they then are: their ids, or names that tell nothing. */
  readonly peers: "none" | "named" | "unnamed";
}

/** Makes the audience of a document when its host comes up. */
export type AudienceFactory = (document: DocumentName, options: AudienceOptions) => Audience;

/** A page of document keys. */
export interface ListRequest {
  readonly caller: Caller;
  readonly type: string;
  readonly after: string;
  readonly limit: number;
}

/** Opens, calls and lists documents. */
export interface Documents {
  /** Gives the follower its opening; closing before that is fine. */
  open(request: OpenRequest): void;
  /** The follower hears nothing more. */
  close(document: DocumentName, follower: Follower): void;
  /** The follower's caller has other rights than before: whether it may follow, and what it sees, is asked again. */
  refresh(document: DocumentName, follower: Follower): void;
  /** Checks what an attached follower wants to say to the others; it hears of it by `said`, perhaps before this returns. */
  say(document: DocumentName, follower: Follower, speech: Speech): void;
  call(call: Call): void;
  /** Nobody hears an answer of this origin any more. Undefined: it is asked, by `isGone`. */
  left?(origin: Origin): void;
  /** Rejects with TidemarkError. */
  list(request: ListRequest): Promise<{ readonly keys: readonly string[]; readonly next: string | undefined }>;
}
