// The owner's end of a link to one edge: stands in for the followers, callers and sessions there. It decides nothing that
// documents, authentication or the registry decide; when the link is over, all whom it stands for are gone.
import { CLOSE, type ErrorCode, TidemarkError } from "@tidemark/protocol";
import { DocumentMap } from "../document/document-map.js";
import type { DocumentName } from "../document/document-store.js";
import type { Documents, ListRequest, Opening } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified, IdentityCheck } from "../session/identity.js";
import type { Claim, SessionRegistry } from "../session/session-registry.js";
import type { Audiences } from "./audiences.js";
import { SentParts } from "./kept-parts.js";
import type { AskedCall, AskedOpening, AskedOrigin, FromEdge, FromOwner } from "./link-messages.js";
import { toPlain } from "./plain-opening.js";
import type { EdgeSeat } from "./shared-audience.js";
import { type EdgeCall, EdgeFollower, EdgeOrigin, EdgeSession, type StandInEnd } from "./stand-ins.js";

/** What the end of a link needs of its server. */
export interface OwnerEndParts {
  readonly runtime: Runtime;
  readonly documents: Documents;
  readonly audiences: Audiences;
  readonly registry: SessionRegistry;
  readonly identify: IdentityCheck;
  /** Sends a message, as JSON. */
  readonly send: (messageJson: string) => void;
}

/** Those of one edge who follow a document, counted. */
interface Followed {
  readonly seat: EdgeSeat;
  count: number;
}

/** The owner's side of one edge. */
export class OwnerEnd implements StandInEnd {
  readonly #parts: OwnerEndParts;
  readonly #sent: SentParts;
  readonly #followers = new Map<number, EdgeFollower>();
  readonly #followed = new DocumentMap<Followed>();
  readonly #seats = new Map<number, EdgeSeat>();
  readonly #origins = new Map<number, EdgeOrigin>();
  readonly #sessions = new Map<number, EdgeSession>();
  #documents = 0;

  constructor(parts: OwnerEndParts) {
    this.#parts = parts;
    this.#sent = new SentParts((message) => this.send(message));
  }

  /** How many sessions the edge has. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  send(message: FromOwner): void {
    this.#parts.send(JSON.stringify(message));
  }

  sendText(messageJson: string): void {
    this.#parts.send(messageJson);
  }

  hear(message: FromEdge): void {
    const { documents } = this.#parts;
    switch (message[0]) {
      case "open":
        return this.#open(message[1], message[2], message[3]);
      case "close":
        return this.#close(message[1]);
      case "refresh": {
        const follower = this.#followers.get(message[1]);
        if (follower === undefined) return;
        follower.caller = message[2];
        return documents.refresh(follower.document, follower);
      }
      case "say": {
        const follower = this.#followers.get(message[1]);
        if (follower !== undefined) documents.say(follower.document, follower, message[2]);
        return;
      }
      case "origin":
        return this.#origin(message[1], message[2]);
      case "call":
        return this.#call(message[1], message[2], message[3]);
      case "left":
        return this.#left(message[1]);
      case "list":
        return void this.#list(message[1], message[2]);
      case "identify":
        return this.#identify(message[1], message[2], message[3]);
      case "claim":
        return this.#claim(message[1], message[2], message[3]);
      case "identity":
        return this.#sessions.get(message[1])?.refreshed(message[2]);
      case "unclaim":
        return this.#unclaim(message[1]);
      case "report":
        return this.#parts.registry.reported(message[1]);
      case "show":
        return this.#seats.get(message[1])?.show(message[2], message[3]);
      case "hide":
        return this.#seats.get(message[1])?.hide(message[2], message[3]);
      case "signal":
        return this.#seats.get(message[1])?.signal({ name: message[2], data: message[3], peer: message[4] });
    }
  }

  /** The link is over. */
  gone(): void {
    for (const f of [...this.#followers.keys()]) this.#close(f);
    for (const o of [...this.#origins.keys()]) this.#left(o);
    for (const s of [...this.#sessions.keys()]) this.#unclaim(s);
  }

  /** A follower was given its opening. */
  opened(follower: EdgeFollower, opening: Opening): void {
    if (opening.kind === "ended") this.#forget(follower);
    else this.#follows(follower);
    this.send(["opened", follower.f, follower.asks, toPlain(opening, this.#sent)]);
    this.#sent.makeRoom();
  }

  ended(follower: EdgeFollower, code: ErrorCode): void {
    this.send(["ended", follower.f, code]);
    this.#forget(follower);
  }

  /** A session must not go on. */
  endSession(s: number, closeCode: number, reason: ErrorCode): void {
    this.send(["end", s, closeCode, reason]);
  }

  #open(f: number, a: number, { caller, ...asked }: AskedOpening): void {
    const known = this.#followers.get(f);
    const follower = known ?? new EdgeFollower(f, { document: asked.document, caller, end: this });
    follower.caller = caller;
    follower.asks = a;
    this.#followers.set(f, follower);
    this.#parts.documents.open({ follower, ...asked });
  }

  #close(f: number): void {
    const follower = this.#followers.get(f);
    if (follower === undefined) return;
    this.#parts.documents.close(follower.document, follower);
    this.#forget(follower);
  }

  #follows(follower: EdgeFollower): void {
    if (follower.isOpen) return;
    follower.isOpen = true;
    const { document } = follower;
    const followed = this.#followed.get(document) ?? { seat: this.#begin(document), count: 0 };
    followed.count += 1;
    this.#followed.set(document, followed);
  }

  #begin(document: DocumentName): EdgeSeat {
    this.#documents += 1;
    const seat = this.#parts.audiences.get(document).join(this.#documents, this);
    this.#seats.set(this.#documents, seat);
    return seat;
  }

  #forget(follower: EdgeFollower): void {
    this.#followers.delete(follower.f);
    if (!follower.isOpen) return;
    follower.isOpen = false;
    const followed = this.#followed.get(follower.document);
    if (followed === undefined) return;
    followed.count -= 1;
    // What the last of them still has to say comes in the same frame.
    if (followed.count === 0) this.#parts.runtime.microtask(() => this.#leave(follower.document, followed));
  }

  #leave(document: DocumentName, followed: Followed): void {
    if (followed.count > 0 || this.#followed.get(document) !== followed) return;
    this.#followed.delete(document);
    this.#seats.delete(followed.seat.d);
    followed.seat.leave();
  }

  #origin(o: number, asked: AskedOrigin): void {
    const known = this.#origins.get(o);
    if (known === undefined) this.#origins.set(o, new EdgeOrigin(asked, this));
    else known.caller = asked.caller;
  }

  #call(o: number, c: number, [of, n, name, input, query, low, born, ttlMs, ifSeq]: AskedCall): void {
    const origin = this.#origins.get(o);
    if (origin === undefined) return;
    const [space, type, key] = of;
    const edgeCall: EdgeCall = {
      document: { space, type, key },
      origin,
      c,
      n,
      name,
      input,
      query: query === 1,
      low,
      born,
      ttlMs: ttlMs ?? undefined,
      ifSeq: ifSeq ?? undefined,
    };
    this.#parts.documents.call(edgeCall);
  }

  #left(o: number): void {
    const origin = this.#origins.get(o);
    if (origin !== undefined) origin.isGone = true;
    this.#origins.delete(o);
  }

  async #list(k: number, request: ListRequest): Promise<void> {
    try {
      this.send(["listed", k, await this.#parts.documents.list(request)]);
    } catch (error) {
      this.send(["listed", k, { code: error instanceof TidemarkError ? error.code : "internal" }]);
    }
  }

  #identify(k: number, token: string, source: { readonly loopback: boolean; readonly isKnown?: boolean }): void {
    this.#parts.identify(token, source).then(
      (verdict) => this.send(["identified", k, verdict ?? null]),
      () => this.send(["identified", k, null]),
    );
  }

  #claim(s: number, claim: Claim, identity: Identified): void {
    const session = new EdgeSession(s, { claim, identity, end: this });
    const beginning = this.#parts.registry.begins(claim, session, identity);
    if (beginning === "begun") this.#sessions.set(s, session);
    else if (beginning === "replaced") this.endSession(s, CLOSE.replaced, "closed");
    else this.endSession(s, CLOSE.overloaded, "limit_reached");
  }

  #unclaim(s: number): void {
    const session = this.#sessions.get(s);
    if (session === undefined) return;
    this.#sessions.delete(s);
    this.#parts.registry.ended(session.claim, session);
  }
}
