// All documents that one session follows, by the number its client chose and by document.
import {
  type Codec,
  canonicalJson,
  type ErrorCode,
  formatDocumentId,
  LIMITS,
  type Open,
  type PresentMessage,
  parseDocumentId,
  type SignalMessage,
} from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Caller, Documents } from "../document/documents.js";
import { SeldomMap } from "../document/seldom-map.js";
import type { Runtime } from "../runtime/runtime.js";
import { TokenBucket } from "../runtime/token-bucket.js";
import type { Advances } from "./advances.js";
import { Attendance } from "./attendance.js";
import { Backlog, type BacklogHolder } from "./backlog.js";
import type { FanOut, FanOuts } from "./fan-out.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { endedMessage, faultMessage } from "./refusal.js";
import { Subscription, type SubscriptionHolder } from "./subscription.js";
import type { TransferBudget } from "./transfer-budget.js";
import type { Wire } from "./wire.js";

/** A connection, as far as its subscriptions go. */
export interface SubscriptionsHolder extends BacklogHolder {
  /** The client makes work that it does not take. */
  overrun(code: "rate_limited"): void;
  /** The client broke the protocol with a message of this type. */
  breach(message: string, type: string): void;
}

/** What a session's subscriptions need. */
export interface SubscriptionsParts {
  readonly caller: Caller;
  readonly documents: Documents;
  readonly runtime: Runtime;
  readonly fanOuts: FanOuts;
  readonly out: OutboundQueue;
  readonly wire: Wire;
  readonly holder: SubscriptionsHolder;
  /** Hears that a document moved, perhaps without anything to send; undefined: nobody needs to know. */
  readonly advances: Advances | undefined;
}

/** How many that the server ended are remembered: a client has no more calls under way (R14). */
const ENDED_MAX = LIMITS.inFlightMax;

const NO_PARAMS = canonicalJson({});

/** The subscriptions of one session. */
export class Subscriptions implements SubscriptionHolder {
  // Field by field, not as parts: there are as many of these as connections.
  readonly documents: Documents;
  readonly out: OutboundQueue;
  readonly advances: Advances | undefined;
  readonly #runtime: Runtime;
  readonly #fanOuts: FanOuts;
  readonly #wire: Wire;
  readonly #holder: SubscriptionsHolder;
  readonly #byNumber = new SeldomMap<number, Subscription>();
  /** Views of each document, by their parameters. */
  readonly #byDocument = new SeldomMap<string, SeldomMap<string, Subscription>>();
  /** Documents of subscriptions that the server ended: calls that name one may be under way (REQ-19). Undefined: none. */
  #ended: Map<number, DocumentName> | undefined = undefined;
  /** Among the others of each document, if this connection says anything to them or may. Undefined: it never did. */
  #attendances: Map<string, Attendance> | undefined = undefined;
  #backlog: Backlog | undefined = undefined;
  #caller: Caller;
  #lastNumber = -1;
  /** Undefined until one is given up. */
  #abandoned: TokenBucket | undefined = undefined;
  /** Undefined until there is one. */
  #signals: TokenBucket | undefined = undefined;
  /** The last signal was one too many, which was said. */
  #isLimited = false;

  constructor({ caller, documents, runtime, fanOuts, out, wire, holder, advances }: SubscriptionsParts) {
    this.#caller = caller;
    this.documents = documents;
    this.out = out;
    this.advances = advances;
    this.#runtime = runtime;
    this.#fanOuts = fanOuts;
    this.#wire = wire;
    this.#holder = holder;
  }

  get codec(): Codec {
    return this.#wire.codec;
  }

  get budget(): TransferBudget {
    return this.#fanOuts.budget;
  }

  get backlog(): Backlog {
    if (this.#backlog !== undefined) return this.#backlog;
    const backlog = new Backlog({ runtime: this.#runtime, out: this.out, holder: this.#holder });
    this.#backlog = backlog;
    this.#wire.onDrained = () => backlog.drained();
    return backlog;
  }

  get knownBacklog(): Backlog | undefined {
    return this.#backlog;
  }

  /** How many there are. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** Positions of what this socket was sent, once it was told all there is. */
  *heads(): Generator<readonly [h: number, epoch: number, seq: number]> {
    for (const subscription of this.#byNumber.values()) {
      subscription.catchUp();
      yield* subscription.heads;
    }
    for (const { head } of this.#attendances?.values() ?? []) if (head !== undefined) yield head;
  }

  /** Tells this socket of all that was delivered and changed nothing. */
  catchUpAll(): void {
    for (const subscription of this.#byNumber.values()) subscription.catchUp();
  }

  /** How many heads leave out: they are owed what has not been sent. */
  get leftOut(): number {
    let count = 0;
    for (const { isOwed } of this.#byNumber.values()) if (isOwed) count += 1;
    return count;
  }

  /** The document of a subscription number, also when the client cannot know yet that it is over. */
  documentOf(s: number): DocumentName | undefined {
    return this.#byNumber.get(s)?.document ?? this.#ended?.get(s);
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
    for (const subscription of [...this.#byNumber.values()]) subscription.refreshed(caller);
    for (const attendance of this.#attendances?.values() ?? []) attendance.refreshed();
  }

  open({ s, doc, at, params, create, every, presence, last }: Open): void {
    if (s <= this.#lastNumber) return this.#holder.breach(`subscription number ${s} does not rise`, "open");
    this.#lastNumber = s;
    const id = parseDocumentId(doc);
    if (id === undefined) return this.#refuse(s, "invalid_key");
    const views = this.#byDocument.get(doc) ?? new SeldomMap<string, Subscription>();
    const view = params === undefined ? NO_PARAMS : canonicalJson(params);
    const paramsBytes = Buffer.byteLength(view);
    if (paramsBytes > LIMITS.paramsBytesMax) return this.#tooLarge(s, paramsBytes);
    // A second stream of the same bytes on one socket would replay over the first.
    if (views.has(view)) return this.#holder.breach(`${doc} is open on this connection already`, "open");
    if (this.#byNumber.size >= LIMITS.subscriptionsMax) return this.#tooMany(s, "subscriptionsMax");
    if (views.size >= LIMITS.viewsPerConnectionMax) return this.#tooMany(s, "viewsPerConnectionMax");
    const document = { space: this.#caller.space, ...id };
    const caller = this.#caller;
    const follower = new Subscription(this, { s, view, document, params, presence, every, last, caller });
    this.#byNumber.set(s, follower);
    this.#byDocument.set(doc, views.set(view, follower));
    follower.open({ at, create });
  }

  close(s: number): void {
    this.#ended?.delete(s);
    const subscription = this.#byNumber.get(s);
    if (subscription === undefined) return;
    if (subscription.isOwed && !this.#mayAbandon()) return this.#holder.overrun("rate_limited");
    this.#forget(subscription);
    this.documents.close(subscription.document, subscription);
    for (const send of subscription.leave(false)) send();
  }

  /** A signal to the others of a document. What comes for a subscription that is not open, or too often, is dropped. */
  signal([, s, name, data]: SignalMessage): void {
    const subscription = this.#byNumber.get(s);
    if (subscription === undefined) return;
    const runtime = this.#runtime;
    const perSecond = LIMITS.signalsPerSecond;
    this.#signals ??= new TokenBucket({ runtime, perSecond, burst: perSecond });
    const afterMs = this.#signals.take();
    if (afterMs === 0) subscription.signal(name, data);
    else if (!this.#isLimited)
      this.out.send(faultMessage({ code: "rate_limited", afterMs: Math.ceil(afterMs) }, { about: "sig", s }));
    this.#isLimited = afterMs > 0;
  }

  /** What is shown to the others of a document, or a question who is present. */
  present([, s, meta]: PresentMessage): void {
    this.#byNumber.get(s)?.present(meta);
  }

  /** The connection is gone. `mayReturn`: it was cut off. */
  leave(mayReturn: boolean): void {
    this.#backlog?.stop();
    for (const subscription of this.#byNumber.values()) {
      this.documents.close(subscription.document, subscription);
      subscription.leave(mayReturn);
    }
    this.#byNumber.clear();
    this.#byDocument.clear();
  }

  fanOut(document: DocumentName): FanOut {
    return this.#fanOuts.get(document);
  }

  attend({ type, key }: DocumentName): Attendance {
    const doc = formatDocumentId(type, key);
    const known = this.#attendances?.get(doc);
    if (known !== undefined) return known;
    const made = new Attendance({
      codec: this.codec,
      runtime: this.#runtime,
      out: this.out,
      id: this.#caller.principal.id,
    });
    this.#attendances ??= new Map();
    this.#attendances.set(doc, made);
    return made;
  }

  over(subscription: Subscription): void {
    this.#forget(subscription);
    this.#ended ??= new Map();
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
    if (views?.size !== 0) return;
    this.#byDocument.delete(doc);
    this.#attendances?.delete(doc);
  }

  /** What was made for an opening is not for anybody else (OPEN-9). */
  #mayAbandon(): boolean {
    const runtime = this.#runtime;
    const { abandonedPerSecond: perSecond, abandonedBurst: burst } = LIMITS;
    this.#abandoned ??= new TokenBucket({ runtime, perSecond, burst });
    return this.#abandoned.take() === 0;
  }

  #tooMany(s: number, limit: "subscriptionsMax" | "viewsPerConnectionMax"): void {
    this.out.send(endedMessage(s, "limit_reached", { data: { limit, value: LIMITS[limit] } }));
  }

  #tooLarge(s: number, yours: number): void {
    const data = { limit: "paramsBytesMax", value: LIMITS.paramsBytesMax, yours };
    this.out.send(endedMessage(s, "too_large", { data }));
  }

  #refuse(s: number, code: ErrorCode): void {
    this.out.send(endedMessage(s, code));
  }
}
