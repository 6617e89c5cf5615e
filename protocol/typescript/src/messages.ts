// Every message of protocol version 1 as a type, and nothing else. A message is an array with its type first; hot ones
// are positional with an optional trailing extension object, cold ones are [type, {...}]. SPEC.md numbers the rules.
import type { ErrorCode, Fault, Retry } from "./errors.js";
import type { Json, JsonObject } from "./json.js";
import type { PatchOperation } from "./patch/operations.js";

/** A subscription number chosen by a client, unique on its connection. */
export type SubscriptionNumber = number;
/** The number of one stream of shared bytes on a server process. */
export type Handle = number;
/** `[epoch, seq]`: a point in a document's history. */
export type WirePosition = readonly [epoch: number, seq: number];
/** `[epoch, seq, tag]`: what a client claims to hold of one layer. The tag is opaque to clients. */
export type HeldPosition = readonly [epoch: number, seq: number, tag: string];
/** Flat `[h, epoch, seq, ...]`. */
export type Heads = readonly number[];
/** `[seq, at, name, data]`: one event, with the seq and the time (Unix ms) of its transaction. */
export type WireEvent = readonly [seq: number, at: number, name: string, data: Json];

export interface Hello {
  readonly v: number;
  readonly token?: string;
  /** 128 random bits in lower-case hex, minted by each `connect()`. */
  readonly client: string;
  /** Rises with each connection of this client. */
  readonly conn: number;
  /** Name and version of the client library. */
  readonly sdk: string;
  /** The version of each document type the client was built against. */
  readonly types?: { readonly [type: string]: number };
  readonly caps: readonly string[];
  /** Of posted calls: Unix ms by the server's clock after which none of them may begin any more (POST-3). */
  readonly until?: number;
}

export interface Auth {
  readonly token: string;
}

export interface Open {
  readonly s: SubscriptionNumber;
  /** `type/key`. */
  readonly doc: string;
  /** One position per layer; absent: nothing is held. */
  readonly at?: readonly HeldPosition[];
  readonly params?: JsonObject;
  /** Create the document if it is absent; `true` or the type's input. */
  readonly create?: Json;
  /** At most one update in so many milliseconds, 0 for every commit; absent: what the type says (PACE-1). */
  readonly every?: number;
  /** What to show to the others; null: only watch who is present; absent: neither (PRES-1). */
  readonly presence?: Json;
  /** Of a channel: how many of its newest messages to begin with, when nothing is held (CHANNEL-6). */
  readonly last?: number;
}

export interface CallExtension {
  /** The lowest n of a message to this document that the client still waits for. */
  readonly low?: number;
  /** Server-clock ms of the first send; the same for all retries. */
  readonly born: number;
  /** Milliseconds after `born` at which the call must have begun. */
  readonly ttl?: number;
  readonly trace?: string;
  /** 1: a query. */
  readonly q?: 1;
  /** The seq the document must still be at. */
  readonly if?: number;
}

export interface PingExtension {
  readonly stats?: JsonObject;
  /** On a stream: how many ms after `welcome` its server sent it (STREAM-4). */
  readonly ms?: number;
}

export interface PongExtension {
  /** How many subscriptions its heads leave out, when there are any. */
  readonly left?: number;
}

export type HelloMessage = readonly ["hello", Hello];
export type AuthMessage = readonly ["auth", Auth];
export type OpenMessage = readonly ["open", Open];
export type CloseMessage = readonly ["close", SubscriptionNumber];
/** `target` is a subscription number, `"type/key"`, or `"$"` for the service. */
export type CallMessage = readonly [
  "c",
  n: number,
  target: SubscriptionNumber | string,
  name: string,
  input: Json,
  extension: CallExtension,
];
/** Signals the others who follow the document (SIG-1). */
export type SignalMessage = readonly ["sig", s: SubscriptionNumber, name: string, data: Json];
/** Shows something to the others, or with null nothing; without it asks for the list (PRES-1). */
export type PresentMessage =
  | readonly ["pres", s: SubscriptionNumber]
  | readonly ["pres", s: SubscriptionNumber, meta: Json];
export type PingMessage = readonly ["ping", k: number, heads: Heads, extension?: PingExtension];
export type PongMessage = readonly ["pong", k: number, heads: Heads, extension?: PongExtension];

/** What a client may send. */
export type ClientMessage =
  | HelloMessage
  | AuthMessage
  | OpenMessage
  | CloseMessage
  | CallMessage
  | SignalMessage
  | PresentMessage
  | PingMessage
  | PongMessage;

export interface Welcome {
  readonly v: number;
  readonly session: string;
  readonly server: string;
  /** Server clock, Unix ms: gives the client its clock offset. */
  readonly now: number;
  readonly sub: string;
  /** When the identity expires, Unix ms. */
  readonly exp: number;
  readonly pingMs: number;
  readonly watchdogMs: number;
  readonly limits: { readonly [name: string]: number };
  readonly caps: readonly string[];
}

/** Where a subscription meets the others of its document. */
export interface Peers {
  /** The handle of signals and presence: one for all who follow the document, whatever they see of it. */
  readonly h: Handle;
  /** The peer that this subscription is to the others. */
  readonly you: string;
}

export interface Opened {
  readonly s: SubscriptionNumber;
  /** One handle per layer. */
  readonly h: readonly Handle[];
  readonly mode: readonly ("resume" | "reset")[];
  /** Per layer, the seq that the next `d` chains on. */
  readonly prev: readonly number[];
  readonly tag: readonly string[];
  /** Events of `(held, seq]` at a reset. */
  readonly events?: readonly WireEvent[];
  /** Events since the held position are lost: it is trimmed or of another history. */
  readonly gap?: boolean;
  /** Of a type with signals or presence. */
  readonly peers?: Peers;
}

/** What comes instead of a state that is too large for one message. */
export interface SnapParts {
  /** Length of the encoded state: of its JSON text as UTF-8, or of its msgpack. */
  readonly bytes: number;
  readonly parts: number;
}

/** A piece of an encoded state: JSON text cut between code points, or msgpack cut anywhere. */
export type StateSlice = string | Uint8Array;

export interface DeltaExtension {
  /** Epoch of `seq`, when it differs from that of `prev`; always in an advance. */
  readonly e?: number;
  readonly ev?: readonly WireEvent[];
  /** When it was committed, Unix ms. */
  readonly at?: number;
  /** Who wrote it, when the type reveals authors. */
  readonly by?: string;
}

export interface Refusal {
  readonly retry: Retry;
  readonly afterMs?: number;
  readonly fault: Fault;
  /** The application's own word. */
  readonly reason?: string;
  readonly data?: Json;
}

export interface Uncertainty {
  readonly afterMs?: number;
  /** Asking again will not tell. */
  readonly final?: boolean;
}

export interface Ended {
  readonly s: SubscriptionNumber;
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly afterMs?: number;
  /** What the code leaves open: which limit, what is wrong with the parameters. */
  readonly data?: Json;
}

export interface ProtocolFault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: Retry;
  readonly fault: Fault;
  /** The type of the message that was at fault. */
  readonly about?: string;
  /** The subscription whose signal or presence was refused; then the connection goes on. */
  readonly s?: SubscriptionNumber;
  readonly afterMs?: number;
  /** What the code leaves open: which limit, what is wrong with the data. */
  readonly data?: Json;
}

/** `[peer, meta]`: somebody who is present, and what they show. */
export type PresentPeer = readonly [peer: string, meta: Json];

/** Who is present: all that are listed, or what has changed of the list since the revision before (PRES-2). */
export interface PresenceChange {
  readonly all?: readonly PresentPeer[];
  /** Listed from now on, or showing something else. */
  readonly join?: readonly PresentPeer[];
  /** Listed no longer. */
  readonly leave?: readonly string[];
  /** How many are present, listed or not. */
  readonly count: number;
}

export interface GoAway {
  readonly code: ErrorCode;
  readonly afterMs: number;
  readonly jitterMs: number;
}

export type WelcomeMessage = readonly ["welcome", Welcome];
export type OpenedMessage = readonly ["opened", Opened];
/** With `parts`, the state is null and comes in as many `part` messages (PART-1). */
export type SnapMessage =
  | readonly ["snap", h: Handle, epoch: number, seq: number, state: Json]
  | readonly ["snap", h: Handle, epoch: number, seq: number, state: null, parts: SnapParts];
/** The `index`th slice, from 0, of the state that the last `snap` of this handle announced. */
export type PartMessage = readonly ["part", h: Handle, index: number, slice: StateSlice];
export type DeltaMessage = readonly [
  "d",
  h: Handle,
  prev: number,
  seq: number,
  operations: readonly PatchOperation[],
  extension?: DeltaExtension,
];
/** The position is null for queries; the result is absent when the handler returned nothing. */
export type OkMessage = readonly ["ok", n: number, at: WirePosition | null, result?: Json];
/** Certainly not applied. */
export type NoMessage = readonly ["no", n: number, code: ErrorCode, message: string, refusal: Refusal];
/** May have been applied; ask again under the same n unless `final`. */
export type UnknownMessage = readonly ["unk", n: number, code: ErrorCode, uncertainty: Uncertainty];
export type EndedMessage = readonly ["ended", Ended];
export type FaultMessage = readonly ["err", ProtocolFault];
/** Somebody's signal; `from` is their peer. */
export type SignalledMessage = readonly ["sig", h: Handle, name: string, data: Json, from: string];
/** Who is present at revision `rev` of this handle. */
export type PresenceMessage = readonly ["pres", h: Handle, rev: number, change: PresenceChange];
export type GoAwayMessage = readonly ["goaway", GoAway];
/** What a close code says on a socket; the last message of a stream. */
export type ByeMessage = readonly ["bye", code: number];

/** What a server may send. */
export type ServerMessage =
  | WelcomeMessage
  | OpenedMessage
  | SnapMessage
  | PartMessage
  | DeltaMessage
  | OkMessage
  | NoMessage
  | UnknownMessage
  | EndedMessage
  | FaultMessage
  | SignalledMessage
  | PresenceMessage
  | GoAwayMessage
  | ByeMessage
  | PingMessage
  | PongMessage;
