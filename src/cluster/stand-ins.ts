// Those at an edge as documents, calls and the registry of its owner know them: what they are told goes over the link.
import { CLOSE, type ErrorCode } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Answer, Call, Caller, Follower, Opening, Origin, RefusedAnswer, Speech } from "../document/documents.js";
import type { Identified } from "../session/identity.js";
import type { Claim, Endable, GoAway } from "../session/session-registry.js";
import type { AskedOrigin, FromOwner } from "./link-messages.js";

/** The end of the link that they are behind. */
export interface StandInEnd {
  send(message: FromOwner): void;
  /** A follower was given its opening. */
  opened(follower: EdgeFollower, opening: Opening): void;
  ended(follower: EdgeFollower, code: ErrorCode): void;
  /** A session must not go on. */
  endSession(s: number, closeCode: number, reason: ErrorCode): void;
}

/** A call, and its number on the link. */
export interface EdgeCall extends Call {
  readonly c: number;
}

/** Somebody at the edge who follows a document. */
export class EdgeFollower implements Follower {
  readonly f: number;
  readonly document: DocumentName;
  caller: Caller;
  /** How often it has asked. */
  asks = 0;
  /** It was opened, and not ended since. */
  isOpen = false;
  readonly #end: StandInEnd;

  constructor(
    f: number,
    parts: { readonly document: DocumentName; readonly caller: Caller; readonly end: StandInEnd },
  ) {
    this.f = f;
    this.document = parts.document;
    this.caller = parts.caller;
    this.#end = parts.end;
  }

  opened(opening: Opening): void {
    this.#end.opened(this, opening);
  }

  ended(code: ErrorCode): void {
    this.#end.ended(this, code);
  }

  said(speech: Speech, refusal: RefusedAnswer | undefined): void {
    this.#end.send(["said", this.f, speech, refusal ?? null]);
  }
}

/** Somebody at the edge who calls. */
export class EdgeOrigin implements Origin {
  readonly client: string;
  readonly conn: number;
  caller: Caller;
  isGone = false;
  readonly #end: StandInEnd;

  constructor({ client, conn, caller }: AskedOrigin, end: StandInEnd) {
    this.client = client;
    this.conn = conn;
    this.caller = caller;
    this.#end = end;
  }

  answer(call: Call, answer: Answer): void {
    if (!this.isGone && "c" in call && typeof call.c === "number") this.#end.send(["answer", call.c, answer]);
  }
}

/** A session at the edge. */
export class EdgeSession implements Endable {
  readonly claim: Claim;
  readonly #s: number;
  readonly #end: StandInEnd;
  #identity: Identified;

  constructor(s: number, parts: { readonly claim: Claim; readonly identity: Identified; readonly end: StandInEnd }) {
    this.#s = s;
    this.claim = parts.claim;
    this.#identity = parts.identity;
    this.#end = parts.end;
  }

  refreshed(identity: Identified): void {
    this.#identity = identity;
  }

  end(closeCode: number, reason: ErrorCode): void {
    this.#end.endSession(this.#s, closeCode, reason);
  }

  goAway(hint: GoAway): void {
    this.#end.send(["goaway", this.#s, hint]);
  }

  review(isOver: (identity: Identified) => boolean): void {
    if (isOver(this.#identity)) this.end(CLOSE.revoked, "revoked");
  }
}
