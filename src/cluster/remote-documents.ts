// The documents of another process, as the sessions of an edge see them: what they ask goes over the link, and what comes back
// is handed to whom it is for. It holds no document and decides nothing.
import { type ErrorCode, TidemarkError } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type {
  Answer,
  Call,
  Caller,
  Documents,
  Follower,
  ListRequest,
  OpenRequest,
  Origin,
  Speech,
} from "../document/documents.js";
import { ReceivedParts } from "./kept-parts.js";
import type { FromEdge, FromOwner, ListedPage } from "./link-messages.js";
import { fromPlain, type PlainOpening } from "./plain-opening.js";

/** Who calls, by a number. */
interface NumberedOrigin {
  readonly o: number;
  /** What the owner was told last. */
  caller: Caller;
  /** Its calls without an answer. */
  readonly calls: Set<number>;
}

/** Who waits for a page of keys. */
interface ListAsked {
  readonly resolve: (page: ListedPage) => void;
  readonly reject: (error: TidemarkError) => void;
}

/** What an owner says to followers and callers. */
export type ForDocuments = Extract<
  FromOwner,
  { readonly 0: "keep" | "drop" | "opened" | "ended" | "said" | "answer" | "listed" }
>;

/** Who follows, by a number. */
interface NumberedFollower {
  readonly f: number;
  readonly follower: Follower;
  /** How often it has asked for an opening. */
  asks: number;
}

/** Documents at the other end of a link. */
export class RemoteDocuments implements Documents {
  readonly #send: (message: FromEdge) => void;
  readonly #kept = new ReceivedParts();
  readonly #numbers = new Map<Follower, NumberedFollower>();
  readonly #followers = new Map<number, NumberedFollower>();
  readonly #origins = new Map<Origin, NumberedOrigin>();
  readonly #calls = new Map<number, Call>();
  readonly #lists = new Map<number, ListAsked>();
  #last = 0;

  constructor(send: (message: FromEdge) => void) {
    this.#send = send;
  }

  open({ follower, ...asked }: OpenRequest): void {
    const numbered = this.#numbers.get(follower) ?? { f: this.#next(), follower, asks: 0 };
    numbered.asks += 1;
    this.#numbers.set(follower, numbered);
    this.#followers.set(numbered.f, numbered);
    this.#send(["open", numbered.f, numbered.asks, { caller: follower.caller, ...asked }]);
  }

  close(_document: DocumentName, follower: Follower): void {
    const numbered = this.#numbers.get(follower);
    if (numbered !== undefined) this.#forget(numbered);
  }

  refresh(_document: DocumentName, follower: Follower): void {
    const f = this.#numbers.get(follower)?.f;
    if (f !== undefined) this.#send(["refresh", f, follower.caller]);
  }

  say(_document: DocumentName, follower: Follower, speech: Speech): void {
    const f = this.#numbers.get(follower)?.f;
    if (f !== undefined) this.#send(["say", f, speech]);
  }

  call(call: Call): void {
    const { document, origin, n, name, input, query, low, born, ttlMs = null, ifSeq = null } = call;
    const { o, calls } = this.#numbered(origin);
    const c = this.#next();
    calls.add(c);
    this.#calls.set(c, call);
    const { space, type, key } = document;
    this.#send(["call", o, c, [[space, type, key], n, name, input, query ? 1 : 0, low, born, ttlMs, ifSeq]]);
  }

  left(origin: Origin): void {
    const known = this.#origins.get(origin);
    if (known === undefined) return;
    this.#origins.delete(origin);
    for (const c of known.calls) this.#calls.delete(c);
    this.#send(["left", known.o]);
  }

  list(request: ListRequest): Promise<ListedPage> {
    const k = this.#next();
    return new Promise((resolve, reject) => {
      this.#lists.set(k, { resolve, reject });
      this.#send(["list", k, request]);
    });
  }

  /** Takes what is for followers and callers. */
  hear(message: ForDocuments): void {
    switch (message[0]) {
      case "keep":
        return this.#kept.keep(message[1], message[2]);
      case "drop":
        return this.#kept.drop(message[1]);
      case "opened":
        return this.#opened(message[1], message[2], message[3]);
      case "ended":
        return this.#ended(message[1], message[2]);
      case "said":
        return this.#followers.get(message[1])?.follower.said(message[2], message[3] ?? undefined);
      case "answer":
        return this.#answered(message[1], message[2]);
      case "listed":
        return this.#listed(message[1], message[2]);
    }
  }

  #opened(f: number, a: number, plain: PlainOpening): void {
    const numbered = this.#followers.get(f);
    // What it was told before it asked again rests on what it has not taken.
    if (numbered === undefined || numbered.asks !== a) return;
    const opening = fromPlain(plain, this.#kept);
    if (opening.kind === "ended") this.#forget(numbered);
    numbered.follower.opened(opening);
  }

  #ended(f: number, code: ErrorCode): void {
    const numbered = this.#followers.get(f);
    if (numbered === undefined) return;
    this.#forget(numbered);
    numbered.follower.ended(code);
  }

  /** The owner hears of it even if it was the owner's doing: the follower may have asked again meanwhile. */
  #forget({ f, follower }: NumberedFollower): void {
    this.#numbers.delete(follower);
    this.#followers.delete(f);
    this.#send(["close", f]);
  }

  #answered(c: number, answer: Answer): void {
    const call = this.#calls.get(c);
    if (call === undefined) return;
    this.#calls.delete(c);
    this.#origins.get(call.origin)?.calls.delete(c);
    call.origin.answer(call, answer);
  }

  #listed(k: number, page: ListedPage | { readonly code: ErrorCode }): void {
    const asked = this.#lists.get(k);
    this.#lists.delete(k);
    if ("code" in page) asked?.reject(new TidemarkError(page.code));
    else asked?.resolve(page);
  }

  #numbered(origin: Origin): NumberedOrigin {
    const { client, conn, caller } = origin;
    const known = this.#origins.get(origin);
    if (known !== undefined && known.caller === caller) return known;
    const numbered = known ?? { o: this.#next(), caller, calls: new Set() };
    numbered.caller = caller;
    this.#origins.set(origin, numbered);
    this.#send(["origin", numbered.o, { client, conn, caller }]);
    return numbered;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}
