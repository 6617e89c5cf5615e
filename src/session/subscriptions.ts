// All documents that one session follows, by the number its client chose and by document.
import { type Codec, type ErrorCode, formatDocumentId, LIMITS, type Open, parseDocumentId } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Documents } from "../document/documents.js";
import type { FanOuts } from "./fan-out.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage } from "./refusal.js";
import { Subscription } from "./subscription.js";

/** What a session's subscriptions need. */
export interface SubscriptionsParts {
  readonly caller: Caller;
  readonly documents: Documents;
  readonly fanOuts: FanOuts;
  readonly out: OutboundQueue;
  readonly codec: Codec;
  /** The client broke the protocol with a message of this type. */
  readonly breach: (message: string, type: string) => void;
}

/** How many that the server ended are remembered: a client has no more calls under way (R14). */
const ENDED_MAX = LIMITS.inFlightMax;

/** The subscriptions of one session. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #byNumber = new Map<number, Subscription>();
  readonly #byDocument = new Map<string, Subscription>();
  /** Documents of subscriptions that the server ended: calls that name one may be under way (REQ-19). */
  readonly #ended = new Map<number, DocumentName>();
  #lastNumber = -1;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  /** Positions of what this socket was sent, once it was told all there is. */
  *heads(): Generator<readonly [h: number, epoch: number, seq: number]> {
    for (const subscription of this.#byNumber.values()) {
      subscription.catchUp();
      const { head } = subscription;
      if (head !== undefined) yield head;
    }
  }

  /** The document of a subscription number, also when the client cannot know yet that it is over. */
  documentOf(s: number): DocumentName | undefined {
    return this.#byNumber.get(s)?.document ?? this.#ended.get(s);
  }

  /** Before an answer about a document (REQ-2): tells this socket all there is. Returns the subscription whose first
   * payload the answer must wait for. */
  catchUp(document: DocumentName): Subscription | undefined {
    if (this.#byDocument.size === 0) return undefined;
    const subscription = this.#byDocument.get(formatDocumentId(document.type, document.key));
    if (subscription?.isOpening === true) return subscription;
    subscription?.catchUp();
    return undefined;
  }

  open({ s, doc, at, create }: Open): void {
    if (s <= this.#lastNumber) return this.#parts.breach(`subscription number ${s} does not rise`, "open");
    this.#lastNumber = s;
    const id = parseDocumentId(doc);
    if (id === undefined) return this.#refuse(s, "invalid_key");
    // A second stream of the same bytes on one socket would replay over the first.
    if (this.#byDocument.has(doc)) return this.#parts.breach(`${doc} is open on this connection already`, "open");
    if (this.#byNumber.size >= LIMITS.subscriptionsMax) return this.#refuse(s, "limit_reached");
    const document = { space: this.#parts.caller.space, ...id };
    const follower = this.#make(s, document);
    this.#byNumber.set(s, follower);
    this.#byDocument.set(doc, follower);
    this.#parts.documents.open({ document, held: at?.[0], create, follower });
  }

  close(s: number): void {
    this.#ended.delete(s);
    const subscription = this.#byNumber.get(s);
    if (subscription === undefined) return;
    this.#forget(subscription);
    this.#parts.documents.close(subscription.document, subscription);
    for (const send of subscription.leave()) send();
  }

  /** The connection is gone. */
  leave(): void {
    for (const subscription of this.#byNumber.values()) {
      this.#parts.documents.close(subscription.document, subscription);
      subscription.leave();
    }
    this.#byNumber.clear();
    this.#byDocument.clear();
  }

  #make(s: number, document: DocumentName): Subscription {
    const { caller, codec, out, fanOuts } = this.#parts;
    return new Subscription({
      s,
      document,
      caller,
      codec,
      out,
      fanOut: () => fanOuts.get(document),
      onEnded: (subscription) => this.#over(subscription),
    });
  }

  #over(subscription: Subscription): void {
    this.#forget(subscription);
    this.#ended.set(subscription.s, subscription.document);
    if (this.#ended.size <= ENDED_MAX) return;
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined) this.#ended.delete(oldest);
  }

  #forget(subscription: Subscription): void {
    this.#byNumber.delete(subscription.s);
    this.#byDocument.delete(formatDocumentId(subscription.document.type, subscription.document.key));
  }

  #refuse(s: number, code: ErrorCode): void {
    this.#parts.out.send(endedMessage(s, code, undefined));
  }
}
