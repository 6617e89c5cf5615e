// All documents that one session follows, by the number its client chose and by document.
import {
  type Codec,
  canonicalJson,
  type ErrorCode,
  formatDocumentId,
  LIMITS,
  type Open,
  parseDocumentId,
} from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Documents } from "../document/documents.js";
import { SeldomMap } from "../document/seldom-map.js";
import type { Backlog } from "./backlog.js";
import type { FanOuts } from "./fan-out.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage } from "./refusal.js";
import { Subscription, type SubscriptionParts } from "./subscription.js";

/** What a session's subscriptions need. */
export interface SubscriptionsParts {
  readonly caller: Caller;
  readonly documents: Documents;
  readonly fanOuts: FanOuts;
  readonly out: OutboundQueue;
  readonly backlog: Backlog;
  readonly codec: Codec;
  /** The client broke the protocol with a message of this type. */
  readonly breach: (message: string, type: string) => void;
}

/** How many that the server ended are remembered: a client has no more calls under way (R14). */
const ENDED_MAX = LIMITS.inFlightMax;

/** The subscriptions of one session. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #byNumber = new SeldomMap<number, Subscription>();
  /** Views of each document, by their parameters. */
  readonly #byDocument = new SeldomMap<string, Map<string, Subscription>>();
  /** Documents of subscriptions that the server ended: calls that name one may be under way (REQ-19). */
  readonly #ended = new SeldomMap<number, DocumentName>();
  #caller: Caller;
  #lastNumber = -1;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
    this.#caller = parts.caller;
  }

  /** Positions of what this socket was sent, once it was told all there is. */
  *heads(): Generator<readonly [h: number, epoch: number, seq: number]> {
    for (const subscription of this.#byNumber.values()) {
      subscription.catchUp();
      yield* subscription.heads;
    }
  }

  /** How many heads leave out: they are owed what has not been sent. */
  get leftOut(): number {
    let count = 0;
    for (const { isOwed } of this.#byNumber.values()) if (isOwed) count += 1;
    return count;
  }

  /** The document of a subscription number, also when the client cannot know yet that it is over. */
  documentOf(s: number): DocumentName | undefined {
    return this.#byNumber.get(s)?.document ?? this.#ended.get(s);
  }

  /** Before an answer about a document (REQ-2): sends this socket what was applied up to `seq`, and tells it all there is.
   * Returns the subscription that the answer must wait for, because it is still owed something. */
  catchUp(document: DocumentName, seq: number): Subscription | undefined {
    if (this.#byDocument.size === 0) return undefined;
    const subscriptions = this.#byDocument.get(formatDocumentId(document.type, document.key));
    if (subscriptions === undefined) return undefined;
    for (const subscription of subscriptions.values()) if (subscription.isOwed) return subscription;
    for (const subscription of subscriptions.values()) {
      if (subscription.reached < seq) subscription.hurry();
      if (subscription.isOwed) return subscription;
      subscription.catchUp();
    }
    return undefined;
  }

  /** The caller has other rights from now on. */
  refresh(caller: Caller): void {
    this.#caller = caller;
    for (const subscription of [...this.#byNumber.values()]) {
      subscription.caller = caller;
      this.#parts.documents.refresh(subscription.document, subscription);
    }
  }

  open({ s, doc, at, params, create, every }: Open): void {
    if (s <= this.#lastNumber) return this.#parts.breach(`subscription number ${s} does not rise`, "open");
    this.#lastNumber = s;
    const id = parseDocumentId(doc);
    if (id === undefined) return this.#refuse(s, "invalid_key");
    const views = this.#byDocument.get(doc) ?? new Map<string, Subscription>();
    const view = canonicalJson(params ?? {});
    // A second stream of the same bytes on one socket would replay over the first.
    if (views.has(view)) return this.#parts.breach(`${doc} is open on this connection already`, "open");
    if (this.#byNumber.size >= LIMITS.subscriptionsMax) return this.#tooMany(s, "subscriptionsMax");
    if (views.size >= LIMITS.viewsPerConnectionMax) return this.#tooMany(s, "viewsPerConnectionMax");
    const document = { space: this.#caller.space, ...id };
    const follower = this.#make({ s, view, params, every }, document);
    this.#byNumber.set(s, follower);
    this.#byDocument.set(doc, views.set(view, follower));
    follower.open({ at, create });
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

  #make(asked: Pick<SubscriptionParts, "s" | "view" | "params" | "every">, document: DocumentName): Subscription {
    const { codec, documents, out, backlog, fanOuts } = this.#parts;
    const { s, view, params, every } = asked;
    return new Subscription({
      s,
      view,
      document,
      params,
      every,
      caller: this.#caller,
      codec,
      documents,
      out,
      backlog,
      budget: fanOuts.budget,
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
    const doc = formatDocumentId(subscription.document.type, subscription.document.key);
    const views = this.#byDocument.get(doc);
    views?.delete(subscription.view);
    if (views?.size === 0) this.#byDocument.delete(doc);
  }

  #tooMany(s: number, limit: "subscriptionsMax" | "viewsPerConnectionMax"): void {
    this.#parts.out.send(endedMessage(s, "limit_reached", { data: { limit, value: LIMITS[limit] } }));
  }

  #refuse(s: number, code: ErrorCode): void {
    this.#parts.out.send(endedMessage(s, code));
  }
}
