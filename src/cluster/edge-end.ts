// An edge's end of the link to its owner: what sessions need that only the owner has. Followers and callers are served by
// RemoteDocuments, deltas by the same fan-out as on the owner's own sockets.
import type { ErrorCode, JsonObject } from "@tidemark/protocol";
import { invariant } from "../runtime/invariant.js";
import type { FanOuts } from "../session/fan-out.js";
import type { Identified, TokenSource, Verdict } from "../session/identity.js";
import type { Claim, Elsewhere, Endable } from "../session/session-registry.js";
import { EdgeAudience } from "./edge-audience.js";
import type { FromEdge, FromOwner } from "./link-messages.js";
import { RemoteDocuments } from "./remote-documents.js";

/** What the end of a link needs of its edge. */
export interface EdgeEndParts {
  readonly fanOuts: FanOuts;
  readonly send: (message: FromEdge) => void;
}

/** A session that is known to the owner. */
interface Claimed {
  readonly s: number;
  readonly session: Endable;
}

/** Who waits to know who somebody is. */
interface Asked {
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: Error) => void;
}

/** The edge's side of its owner. */
export class EdgeEnd implements Elsewhere {
  readonly documents: RemoteDocuments;
  readonly #parts: EdgeEndParts;
  readonly #audiences = new Map<number, EdgeAudience>();
  readonly #claims = new Map<Claim, Claimed>();
  readonly #sessions = new Map<number, Endable>();
  readonly #questions = new Map<number, Asked>();
  #last = 0;
  /** The owner refuses work for want of time or room. */
  #isOverloaded = false;
  #isOver = false;

  constructor(parts: EdgeEndParts) {
    this.#parts = parts;
    this.documents = new RemoteDocuments(parts.send);
  }

  get isOverloaded(): boolean {
    return this.#isOverloaded;
  }

  /** Who shows a token, as the owner knows it. */
  readonly identify = (token: string, { loopback, isKnown = false }: TokenSource): Promise<Verdict> => {
    const k = this.#next();
    return new Promise((resolve, reject) => {
      if (this.#isOver) return reject(ownerIsGone());
      this.#questions.set(k, { resolve, reject });
      this.#parts.send(["identify", k, token, { loopback, isKnown }]);
    });
  };

  begun(claim: Claim, session: Endable, identity: Identified): void {
    const s = this.#next();
    this.#claims.set(claim, { s, session });
    this.#sessions.set(s, session);
    this.#parts.send(["claim", s, claim, identity]);
  }

  refreshed(claim: Claim, identity: Identified): void {
    const claimed = this.#claims.get(claim);
    if (claimed !== undefined) this.#parts.send(["identity", claimed.s, identity]);
  }

  ended(claim: Claim): void {
    const claimed = this.#claims.get(claim);
    if (claimed === undefined) return;
    this.#claims.delete(claim);
    this.#sessions.delete(claimed.s);
    this.#parts.send(["unclaim", claimed.s]);
  }

  reported(stats: JsonObject): void {
    this.#parts.send(["report", stats]);
  }

  hear(message: FromOwner): void {
    switch (message[0]) {
      case "begin": {
        const [, d, name, options, place] = message;
        const fanOut = this.#parts.fanOuts.create(name, options);
        this.#audiences.set(d, new EdgeAudience(d, { fanOut, place, send: this.#parts.send }));
        return;
      }
      case "rows":
        return this.#audience(message[1]).rows(message[2]);
      case "layer":
        return this.#audience(message[1]).fanOut.beginLayer(message[2], message[3]);
      case "unlayer":
        return this.#audience(message[1]).fanOut.endLayer(message[2]);
      case "release":
        return this.#audience(message[1]).fanOut.release(message[2], new Map(message[3]));
      case "retire":
        this.#audience(message[1]).fanOut.retire();
        this.#audiences.delete(message[1]);
        return;
      case "shown":
        return this.#audience(message[1]).takeShown(message[2], message[3]);
      case "hidden":
        return this.#audience(message[1]).takeHidden(message[2], { id: message[3], mayReturn: message[4] });
      case "signalled":
        return this.#audience(message[1]).takeSignal({ name: message[2], data: message[3], peer: message[4] });
      case "identified":
        this.#questions.get(message[1])?.resolve(message[2] ?? undefined);
        this.#questions.delete(message[1]);
        return;
      case "end":
        return this.#end(message[1], message[2], message[3]);
      case "goaway":
        return this.#sessions.get(message[1])?.goAway(message[2]);
      case "overloaded":
        this.#isOverloaded = message[1];
        return;
      default:
        return this.documents.hear(message);
    }
  }

  /** The link is over: nothing that was asked is answered any more. */
  gone(): void {
    this.#isOver = true;
    for (const { reject } of this.#questions.values()) reject(ownerIsGone());
    this.#questions.clear();
  }

  #end(s: number, closeCode: number, reason: ErrorCode): void {
    this.#sessions.get(s)?.end(closeCode, reason);
  }

  #audience(d: number): EdgeAudience {
    const audience = this.#audiences.get(d);
    invariant(audience !== undefined, "a document is begun before anything is said of it");
    return audience;
  }

  #next(): number {
    this.#last += 1;
    return this.#last;
  }
}

const ownerIsGone = (): Error => new Error("the owner is gone");
