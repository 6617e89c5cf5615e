// The calls of one session: finds what each is addressed to, hands it on, and sends the answer. It keeps no state of a
// call but its document, so that an answer can wait for that document's first payload.
import {
  type CallMessage,
  type Codec,
  type ErrorCode,
  type Json,
  LIMITS,
  parseDocumentId,
  TidemarkError,
} from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Answer, Caller, Documents, Origin } from "../document/documents.js";
import type { Identified } from "./identity.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { refusalMessage } from "./refusal.js";
import { serviceCall } from "./service-calls.js";
import type { Subscriptions } from "./subscriptions.js";

/** What a session's requests need. */
export interface RequestsParts {
  readonly caller: Caller;
  readonly identity: Identified;
  readonly documents: Documents;
  readonly subscriptions: Subscriptions;
  readonly out: OutboundQueue;
  readonly codec: Codec;
  readonly client: string;
  readonly conn: number;
  /** More calls are in flight than the client was told it may have. */
  readonly overrun: () => void;
}

/** The requests of one session. */
export class Requests implements Origin {
  readonly #parts: RequestsParts;
  /** What each call that is not answered yet is addressed to; undefined: the service. */
  readonly #inFlight = new Map<number, DocumentName | undefined>();
  #left = false;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  /** Hands a call on. */
  take(message: CallMessage): void {
    if (this.#inFlight.size >= LIMITS.inFlightMax) return this.#parts.overrun();
    const [, n, target, name, input, extension] = message;
    if (target === "$") return this.#takeService(message);
    if (name.startsWith("$") && name !== "$head") return this.#refuse(n, "unknown_message");
    const document = typeof target === "number" ? this.#parts.subscriptions.documentOf(target) : this.#named(target);
    if (document === undefined) return this.#refuse(n, typeof target === "number" ? "not_found" : "invalid_key");
    this.#call(message, document, { name, input, query: extension.q === 1 });
  }

  answer(n: number, answer: Answer): void {
    const document = this.#inFlight.get(n);
    this.#inFlight.delete(n);
    if (this.#left) return;
    const subscription = document === undefined ? undefined : this.#parts.subscriptions.of(document);
    if (subscription === undefined) this.#send(n, answer);
    else subscription.answerInOrder(() => this.#send(n, answer));
  }

  /** The connection is gone: nobody hears an answer any more. */
  leave(): void {
    this.#left = true;
    this.#inFlight.clear();
  }

  #takeService(message: CallMessage): void {
    const [, n, , name, input] = message;
    const call = serviceCall(name, input);
    switch (call.kind) {
      case "document":
        return this.#call(message, { space: this.#parts.caller.space, ...call.document }, call);
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
    const { caller, client, conn, documents } = this.#parts;
    this.#inFlight.set(n, document);
    documents.call({
      document,
      caller,
      client,
      conn,
      n,
      name: what.name,
      input: what.input,
      query: what.query,
      low: extension.low ?? 0,
      born: extension.born,
      ttlMs: extension.ttl,
      ifSeq: extension.if,
      origin: this,
    });
  }

  async #list(n: number, { type, after, limit }: { type: string; after: string; limit: number }): Promise<void> {
    this.#inFlight.set(n, undefined);
    try {
      const page = await this.#parts.documents.list({ caller: this.#parts.caller, type, after, limit });
      this.answer(n, { kind: "ok", at: null, resultJson: JSON.stringify(page) });
    } catch (error) {
      this.answer(n, { kind: "no", code: error instanceof TidemarkError ? error.code : "internal" });
    }
  }

  #whoami(): string {
    const { principal, expiresAt } = this.#parts.identity;
    return JSON.stringify({ id: principal.id, roles: principal.roles, claims: principal.claims, expiresAt });
  }

  #named(target: string): DocumentName | undefined {
    const id = parseDocumentId(target);
    return id === undefined ? undefined : { space: this.#parts.caller.space, ...id };
  }

  #refuse(n: number, code: ErrorCode): void {
    this.#send(n, { kind: "no", code });
  }

  #send(n: number, answer: Answer): void {
    if (this.#left) return;
    if (answer.kind === "ok") {
      this.#parts.out.sendPiece(this.#parts.codec.encodeOk({ n, at: answer.at, resultJson: answer.resultJson }));
    } else {
      this.#parts.out.send(refusalMessage(n, answer));
    }
  }
}
