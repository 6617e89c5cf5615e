// The calls of one session: finds what each is addressed to, hands it on, and sends the answer. It keeps no state of a
// call but its document, so that an answer can wait for that document's first payload.
import {
  type CallMessage,
  type Codec,
  type ErrorCode,
  type Json,
  LIMITS,
  type Piece,
  parseDocumentId,
  type ServerMessage,
  TidemarkError,
} from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Answer, Call, Caller, Documents, ListRequest, Origin } from "../document/documents.js";
import type { Identified } from "./identity.js";
import { refusalMessage } from "./refusal.js";
import { serviceCall } from "./service-calls.js";

/** Where answers go. */
export interface AnswerSink {
  send(message: ServerMessage): void;
  sendPiece(piece: Piece): void;
}

/** What else goes there, which answers must not overtake. */
export interface Followed {
  /** The document of a subscription number. */
  documentOf(s: number): DocumentName | undefined;
  /** Sends what was applied up to `seq`. Returns what the answer must wait for. */
  catchUp(document: DocumentName, seq: number): { holdBack(send: () => void): void } | undefined;
}

/** What requests need. */
export interface RequestsParts {
  readonly caller: Caller;
  readonly identity: Identified;
  readonly documents: Documents;
  readonly subscriptions: Followed;
  readonly out: AnswerSink;
  readonly codec: Codec;
  readonly client: string;
  readonly conn: number;
  readonly holder: RequestsHolder;
}

/** A connection, as far as its requests go. */
export interface RequestsHolder {
  /** More than the client was told it may: calls in flight (`limit_reached`), or documents in a time. */
  overrun(code: "limit_reached" | "rate_limited"): void;
}

/** The requests of one session. */
export class Requests implements Origin {
  readonly client: string;
  readonly conn: number;
  caller: Caller;
  // Field by field, not as parts: with a thousand sockets, each object on the way of a call is out of the cache.
  readonly #documents: Documents;
  readonly #subscriptions: Followed;
  readonly #out: AnswerSink;
  readonly #codec: Codec;
  readonly #holder: RequestsHolder;
  #identity: Identified;
  #inFlight = 0;
  #left = false;
  /** The document named last, since a client mostly calls the one it called before. */
  #named: DocumentName | undefined;
  /** What it was called then. */
  #target: string | undefined;

  constructor(parts: RequestsParts) {
    this.#documents = parts.documents;
    this.#subscriptions = parts.subscriptions;
    this.#out = parts.out;
    this.#codec = parts.codec;
    this.#holder = parts.holder;
    this.caller = parts.caller;
    this.client = parts.client;
    this.conn = parts.conn;
    this.#identity = parts.identity;
  }

  /** A later token of the same principal was taken. */
  refreshed(identity: Identified): void {
    this.#identity = identity;
  }

  /** Hands a call on. */
  take(message: CallMessage): void {
    if (this.#inFlight >= LIMITS.inFlightMax) return this.#holder.overrun("limit_reached");
    const [, n, target, name, input, extension] = message;
    if (target === "$") return this.#takeService(message);
    if (name.startsWith("$") && name !== "$head") return this.#refuse(n, "unknown_message");
    const document = typeof target === "number" ? this.#subscriptions.documentOf(target) : this.#find(target);
    if (document === undefined) return this.#refuse(n, typeof target === "number" ? "not_found" : "invalid_key");
    this.#call(message, document, { name, input, query: extension.q === 1 });
  }

  answer({ n, document }: Call, answer: Answer): void {
    this.#say(n, document, answer);
  }

  /** The caller has other rights from now on. */
  refresh(caller: Caller, identity: Identified): void {
    this.caller = caller;
    this.#identity = identity;
  }

  /** Nobody hears an answer any more. */
  get isGone(): boolean {
    return this.#left;
  }

  /** The connection is gone. */
  leave(): void {
    this.#left = true;
    this.#documents.left?.(this);
  }

  /** Behind everything about its document that this connection must have been sent before. */
  #say(n: number, document: DocumentName, answer: Answer): void {
    if (this.#left) return;
    const applied = answer.kind === "ok" ? (answer.at?.seq ?? 0) : 0;
    const owed = this.#subscriptions.catchUp(document, applied);
    if (owed !== undefined) return owed.holdBack(() => this.#say(n, document, answer));
    // Until it is said: what is held back is as many answers as a client may wait for (R14).
    this.#inFlight -= 1;
    this.#send(n, answer);
  }

  #takeService(message: CallMessage): void {
    const [, n, , name, input] = message;
    const call = serviceCall(name, input);
    switch (call.kind) {
      case "document":
        return this.#call(message, { space: this.caller.space, ...call.document }, call);
      case "list":
        return void this.#list(n, call);
      case "whoami":
        return this.#send(n, { kind: "ok", at: null, resultJson: this.#whoami() });
      default:
        return this.#send(n, { kind: "no", ...call.answer });
    }
  }

  #call(message: CallMessage, document: DocumentName, what: { name: string; input: Json; query: boolean }): void {
    const [, n, , , , extension] = message;
    this.#inFlight += 1;
    this.#documents.call({
      document,
      origin: this,
      n,
      name: what.name,
      input: what.input,
      query: what.query,
      low: extension.low ?? 0,
      born: extension.born,
      ttlMs: extension.ttl,
      ifSeq: extension.if,
    });
  }

  async #list(n: number, { type, after, limit }: { type: string; after: string; limit: number }): Promise<void> {
    this.#inFlight += 1;
    const answer = await this.#listed({ caller: this.caller, type, after, limit });
    this.#inFlight -= 1;
    this.#send(n, answer);
  }

  async #listed(request: ListRequest): Promise<Answer> {
    try {
      return { kind: "ok", at: null, resultJson: JSON.stringify(await this.#documents.list(request)) };
    } catch (error) {
      return { kind: "no", code: error instanceof TidemarkError ? error.code : "internal" };
    }
  }

  #whoami(): string {
    const { principal, expiresAt } = this.#identity;
    return JSON.stringify({ id: principal.id, roles: principal.roles, claims: principal.claims, expiresAt });
  }

  #find(target: string): DocumentName | undefined {
    if (this.#target !== target) {
      const id = parseDocumentId(target);
      this.#named = id === undefined ? undefined : { space: this.caller.space, type: id.type, key: id.key };
      this.#target = target;
    }
    return this.#named;
  }

  #refuse(n: number, code: ErrorCode): void {
    this.#send(n, { kind: "no", code });
  }

  #send(n: number, answer: Answer): void {
    if (this.#left) return;
    if (answer.kind === "ok") {
      const { at, resultJson } = answer;
      const position = at === null ? null : ([at.epoch, at.seq] as const);
      this.#out.sendPiece(this.#codec.encodeOk({ n, at: position, resultJson }));
    } else {
      this.#out.send(refusalMessage(n, answer));
      // There is no host that would hold back what was sent behind it (REQ-11): it comes again in order on a new connection.
      if (answer.kind === "no" && answer.code === "rate_limited") this.#holder.overrun("rate_limited");
    }
  }
}
