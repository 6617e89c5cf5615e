// What the two ends of a link say: an edge in the name of its sockets, an owner of its documents. Both are processes of one
// build, started together, so a message has the shape that its type says; what clients sent was checked by the edge.
import type { ErrorCode, Json, JsonObject } from "@tidemark/protocol";
import type { DocumentName, StoredPosition } from "../document/document-store.js";
import type {
  Answer,
  AudienceOptions,
  Caller,
  Committed,
  Documents,
  LayerDelta,
  ListRequest,
  OpenRequest,
  RefusedAnswer,
  Snapshot,
  Speech,
} from "../document/documents.js";
import type { Place } from "../session/fan-out.js";
import type { Identified, TokenSource, Verdict } from "../session/identity.js";
import type { Shown } from "../session/present-list.js";
import type { Claim, GoAway } from "../session/session-registry.js";
import type { PlainOpening } from "./plain-opening.js";

/** Whoever may follow: an `OpenRequest` without its follower. */
export type AskedOpening = Omit<OpenRequest, "follower"> & { readonly caller: Caller };

/** Who calls, as far as a document asks. */
export interface AskedOrigin {
  readonly client: string;
  readonly conn: number;
  readonly caller: Caller;
}

/** A call without its origin: document, n, name, input, query, low, born, ttlMs, ifSeq. */
export type AskedCall = readonly [
  document: readonly [space: string, type: string, key: string],
  n: number,
  name: string,
  input: Json,
  query: 0 | 1,
  low: number,
  born: number,
  ttlMs: number | null,
  ifSeq: number | null,
];

/** A row: epoch, previous epoch, seq, at, operations, events, by. */
export type SentRow = readonly [number, number, number, number, string, string | null, string | null];

/** What a participant shows, by a number for its holder. */
export type SentShown = Omit<Shown, "holder" | "peer">;

/** What an edge says. Numbers: `f` a follower, `a` how often it has asked, `o` an origin, `c` a call, `k` a question, `s` a session, `d` a document
 * that the owner has begun, `p` somebody present. */
export type FromEdge =
  | readonly ["open", f: number, a: number, asked: AskedOpening]
  | readonly ["close", f: number]
  | readonly ["refresh", f: number, caller: Caller]
  | readonly ["say", f: number, speech: Speech]
  | readonly ["origin", o: number, origin: AskedOrigin]
  | readonly ["call", o: number, c: number, call: AskedCall]
  | readonly ["left", o: number]
  | readonly ["list", k: number, request: ListRequest]
  | readonly ["identify", k: number, token: string, source: Pick<TokenSource, "loopback" | "isKnown">]
  | readonly ["claim", s: number, claim: Claim, identity: Identified]
  | readonly ["identity", s: number, identity: Identified]
  | readonly ["unclaim", s: number]
  | readonly ["report", stats: JsonObject]
  | readonly ["show", d: number, p: number, shown: SentShown]
  | readonly ["hide", d: number, p: number, mayReturn: boolean]
  | readonly ["signal", d: number, name: string, data: Json, peer: string];

/** What an owner says. */
export type FromOwner =
  | readonly ["begin", d: number, document: DocumentName, options: AudienceOptions, place: Place]
  | readonly ["rows", d: number, rows: readonly SentRow[]]
  | readonly ["layer", d: number, layer: number, chain: StoredPosition]
  | readonly ["unlayer", d: number, layer: number]
  | readonly ["release", d: number, head: StoredPosition, deltas: readonly (readonly [number, LayerDelta])[]]
  | readonly ["retire", d: number]
  | readonly ["keep", number: number, part: Snapshot | readonly SentRow[]]
  | readonly ["drop", number: number]
  | readonly ["opened", f: number, a: number, opening: PlainOpening]
  | readonly ["ended", f: number, code: ErrorCode]
  | readonly ["said", f: number, speech: Speech, refusal: RefusedAnswer | null]
  | readonly ["answer", c: number, answer: Answer]
  | readonly ["listed", k: number, page: ListedPage | { readonly code: ErrorCode }]
  | readonly ["identified", k: number, verdict: NonNullable<Verdict> | null]
  | readonly ["end", s: number, closeCode: number, reason: ErrorCode]
  | readonly ["goaway", s: number, hint: GoAway]
  | readonly ["overloaded", isOverloaded: boolean]
  | readonly ["shown", d: number, p: number, shown: SentShown]
  | readonly ["hidden", d: number, p: number, id: string, mayReturn: boolean]
  | readonly ["signalled", d: number, name: string, data: Json, peer: string];

/** A page of keys; `next` undefined: there are no more. */
export type ListedPage = Awaited<ReturnType<Documents["list"]>>;

export const toSentRow = (row: Committed): SentRow => [
  row.epoch,
  row.previousEpoch,
  row.seq,
  row.at,
  row.operations,
  row.events ?? null,
  row.by ?? null,
];

export const fromSentRow = ([epoch, previousEpoch, seq, at, operations, events, by]: SentRow): Committed => ({
  epoch,
  previousEpoch,
  seq,
  at,
  operations,
  events: events ?? undefined,
  by: by ?? undefined,
});
