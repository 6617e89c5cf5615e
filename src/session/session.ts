// The conversation over one socket: greeting, then many documents. It owns the session's state and hands every message
// to the one place that handles it; what a message means to documents is decided behind the Documents port.
import {
  CLOSE,
  type ClientMessage,
  ERRORS,
  type ErrorCode,
  type FrameError,
  type Hello,
  type JsonObject,
  LIMITS,
  type PingMessage,
  PROTOCOL_VERSION,
  type WelcomeMessage,
} from "@tidemark/protocol";
import type { Documents } from "../document/documents.js";
import { randomHex } from "../runtime/ids.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { Advances } from "./advances.js";
import { Backlog } from "./backlog.js";
import type { FanOuts } from "./fan-out.js";
import type { Flusher } from "./flusher.js";
import { Heartbeat, headLists } from "./heartbeat.js";
import { callerOf, type Identified, type IdentityCheck, sameRights, type Verdict } from "./identity.js";
import type { Newcomer } from "./newcomers.js";
import { OutboundQueue } from "./outbound-queue.js";
import { Requests } from "./requests.js";
import type { Claim, SessionRegistry } from "./session-registry.js";
import { Subscriptions } from "./subscriptions.js";
import type { Wire } from "./wire.js";

/** What all sessions of a server share. */
export interface SessionParts {
  readonly runtime: Runtime;
  readonly documents: Documents;
  readonly fanOuts: FanOuts;
  readonly flusher: Flusher;
  readonly identify: IdentityCheck;
  readonly registry: SessionRegistry;
  /** Identifies this run of the server to clients. */
  readonly serverId: string;
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  /** How soon whoever connects must have proved who they are; default 15 s (R16). */
  readonly authDeadlineMs?: number | undefined;
}

type State =
  /** Only `hello` is accepted. */
  | { readonly state: "greeting"; readonly deadline: CancelTimer }
  | { readonly state: "identifying"; readonly deadline: CancelTimer }
  | Live
  | { readonly state: "closed" };

interface Live {
  readonly state: "live";
  identity: Identified;
  readonly claim: Claim;
  readonly backlog: Backlog;
  readonly subscriptions: Subscriptions;
  readonly requests: Requests;
  readonly heartbeat: Heartbeat;
  /** Of a wire that only goes out. */
  readonly advances: Advances | undefined;
  expiry: CancelTimer;
  /** When its client reported last. */
  reportedAtMs: number;
  /** A refreshed token is being checked; the newest that came meanwhile is next. */
  refreshing: { next: string | undefined } | undefined;
}

/** A client counts for a minute before it reports (HEAD-5); its clock and ours may differ a little. */
const REPORT_INTERVAL_MS = 50_000;

/** One socket's session. */
export class Session implements Newcomer {
  readonly #parts: SessionParts;
  readonly #wire: Wire;
  readonly #out: OutboundQueue;
  #state: State;

  constructor(parts: SessionParts, wire: Wire) {
    this.#parts = parts;
    this.#wire = wire;
    this.#out = new OutboundQueue(wire, parts.flusher, () => this.end(CLOSE.slowReader, "slow_reader"));
    const deadline = parts.runtime.setTimer(parts.authDeadlineMs ?? LIMITS.helloTimeoutMs, () =>
      this.end(CLOSE.helloTimeout, "unauthenticated"),
    );
    this.#state = { state: "greeting", deadline };
    parts.registry.newcomers.arrived(this);
  }

  /** Somebody was identified here. Before that, hardly anything may be kept for it (R16). */
  get isKnown(): boolean {
    return this.#state.state === "live";
  }

  crowdedOut(): void {
    this.end(CLOSE.overloaded, "overloaded");
  }

  /** Its greeting came with proof of who says it. Before anything else, once. */
  greeted(hello: Hello, identity: Identified): void {
    if (this.#state.state !== "greeting" || !this.#speaks(hello)) return;
    this.#state = { state: "identifying", deadline: this.#state.deadline };
    this.#identified(hello, identity);
  }

  /** Everything that was asked for has been sent. */
  get isSettled(): boolean {
    return this.#state.state === "live" && this.#state.subscriptions.leftOut === 0;
  }

  /** Says now where everything stands. */
  beat(): void {
    if (this.#state.state === "live") this.#state.heartbeat.beatNow();
  }

  /** The messages of one frame, valid by shape. */
  receive(messages: readonly ClientMessage[]): void {
    for (const message of messages) {
      if (this.#state.state === "closed") return;
      this.#handle(message);
    }
  }

  /** A frame that is no frame: said, then the socket ends. Nothing else was touched. */
  refuseFrame(error: FrameError): void {
    this.#fault(error.code, error.message, error.about);
    this.end(error.code === "too_large" ? CLOSE.tooLarge : CLOSE.protocolError, error.code);
  }

  /** The socket is gone; with a close code that its peer sent. */
  socketClosed(code?: number): void {
    this.#leave(code !== CLOSED_FOR_GOOD);
  }

  /** Ends the session from this side. */
  end(closeCode: number, reason: ErrorCode): void {
    if (this.#state.state === "closed") return;
    this.#leave(!RIGHT_LOST.has(reason));
    this.#out.flush();
    this.#wire.close(closeCode, reason);
  }

  /** Ends the session because the server stops, with word of when to come back. */
  goAway({ afterMs, jitterMs }: { readonly afterMs: number; readonly jitterMs: number }): void {
    if (this.#state.state === "closed") return;
    this.#out.send(["goaway", { code: "draining", afterMs, jitterMs }]);
    this.end(CLOSE.draining, "draining");
  }

  /** Ends it if what its identity rests on was withdrawn (AUTH-6). */
  review(isOver: (identity: Identified) => boolean): void {
    if (this.#state.state === "live" && isOver(this.#state.identity)) this.end(CLOSE.revoked, "revoked");
  }

  #handle(message: ClientMessage): void {
    const state = this.#state;
    if (state.state === "live") return this.#dispatch(message, state);
    if (state.state === "greeting" && message[0] === "hello") return this.#greet(message[1], state.deadline);
    this.#breach(`${message[0]} is not expected before welcome`, message[0]);
  }

  #dispatch(message: ClientMessage, live: Live): void {
    switch (message[0]) {
      case "c":
        return live.requests.take(message);
      case "open":
        return live.subscriptions.open(message[1]);
      case "close":
        return live.subscriptions.close(message[1]);
      case "sig":
        return live.subscriptions.signal(message);
      case "pres":
        return live.subscriptions.present(message);
      case "ping":
        return this.#pong(message, live);
      case "pong":
        return;
      case "auth":
        return this.#refresh(message[1].token, live);
      case "hello":
        return this.#breach("hello was said already", "hello");
      default:
        return unreachable(message);
    }
  }

  #pong([, k, asked, extension]: PingMessage, live: Live): void {
    if (extension?.stats !== undefined) this.#hearReport(extension.stats, live);
    const { subscriptions } = live;
    const { leftOut } = subscriptions;
    if (leftOut === 0 && asked.length === 0) return this.#out.send(["pong", k, []]);
    for (const heads of headLists(subscriptions.heads()))
      this.#out.send(leftOut === 0 ? ["pong", k, heads] : ["pong", k, heads, { left: leftOut }]);
  }

  /** Once a minute, so that nobody counts for more by reporting more often. */
  #hearReport(stats: JsonObject, live: Live): void {
    const nowMs = this.#parts.runtime.monotonicMs();
    if (nowMs - live.reportedAtMs < REPORT_INTERVAL_MS) return;
    live.reportedAtMs = nowMs;
    this.#parts.registry.reports.add(stats);
  }

  #greet(hello: Hello, deadline: CancelTimer): void {
    if (!this.#speaks(hello)) return;
    this.#state = { state: "identifying", deadline };
    this.#parts.registry.newcomers.spoke(this);
    this.#identify(hello.token ?? "").then(
      (verdict) => this.#identified(hello, verdict),
      () => this.end(CLOSE.internal, "internal"),
    );
  }

  #speaks({ v }: Hello): boolean {
    if (v === PROTOCOL_VERSION) return true;
    this.#fault("unsupported_version", `this server speaks version ${PROTOCOL_VERSION}`, "hello");
    this.end(CLOSE.unsupportedVersion, "unsupported_version");
    return false;
  }

  /** Whoever is gone by then needs no answer, and none is asked for. */
  #identify(token: string): Promise<Verdict> {
    const isAwaited = (): boolean => this.#state.state !== "closed";
    return this.#parts.identify(token, { loopback: this.#wire.loopback, isKnown: this.isKnown, isAwaited });
  }

  #identified(hello: Hello, identity: Verdict): void {
    if (this.#state.state !== "identifying") return;
    if (identity === undefined || identity === "revoked") return this.#turnAway(identity, "hello");
    this.#state.deadline();
    const claim = { subject: identity.principal.id, client: hello.client, conn: hello.conn };
    if (!this.#parts.registry.begins(claim, this)) return this.end(CLOSE.replaced, "closed");
    this.#state = this.#begin(hello, identity, claim);
    this.#parts.registry.newcomers.left(this);
    this.#out.send(this.#welcome(identity));
  }

  #begin({ client, conn }: Hello, identity: Identified, claim: Claim): Live {
    const { documents, fanOuts, runtime, pingIntervalMs, watchdogMs } = this.#parts;
    const caller = callerOf(identity);
    const out = this.#out;
    const { codec, oneWay = false } = this.#wire;
    const breach = (message: string, type: string): void => this.#breach(message, type);
    const stalled = (): void => this.end(CLOSE.slowReader, "slow_reader");
    const backlog = new Backlog({ runtime, out, stalled });
    this.#wire.onDrained = () => backlog.drained();
    const advances = oneWay ? new Advances(runtime, () => subscriptions.catchUpAll()) : undefined;
    const headMoved = advances?.moved;
    const parts = { caller, documents, out, codec, backlog, fanOuts, runtime, breach };
    const subscriptions = new Subscriptions({ ...parts, headMoved });
    const overrun = (): void => this.end(CLOSE.overloaded, "limit_reached");
    const requests = new Requests({ caller, documents, out, codec, subscriptions, client, conn, identity, overrun });
    const heartbeat = new Heartbeat({
      runtime,
      pingIntervalMs,
      watchdogMs,
      heads: () => subscriptions.heads(),
      receivedBytes: () => this.#wire.receivedBytes,
      send: (message) => this.#out.send(message),
      onSilent: () => this.end(CLOSE.silent, "connection_lost"),
      oneWay,
    });
    const expiry = this.#expireAt(identity);
    const reportedAtMs = Number.NEGATIVE_INFINITY;
    return {
      state: "live",
      identity,
      claim,
      backlog,
      subscriptions,
      requests,
      heartbeat,
      advances,
      expiry,
      reportedAtMs,
      refreshing: undefined,
    };
  }

  #welcome({ principal, expiresAt }: Identified): WelcomeMessage {
    const { runtime, serverId, pingIntervalMs, watchdogMs } = this.#parts;
    const { frameBytesMax, inputBytesMax, subscriptionsMax, inFlightMax } = LIMITS;
    return [
      "welcome",
      {
        v: PROTOCOL_VERSION,
        session: randomHex(runtime, 8),
        server: serverId,
        now: runtime.now(),
        sub: principal.id,
        exp: expiresAt,
        pingMs: pingIntervalMs,
        watchdogMs,
        limits: { frameBytesMax, inputBytesMax, subscriptionsMax, inFlightMax },
        caps: [],
      },
    ];
  }

  /** One token at a time, in order, however many come: checking is the application's work, and only the newest counts. */
  #refresh(token: string, live: Live): void {
    if (live.refreshing !== undefined) {
      live.refreshing.next = token;
      return;
    }
    live.refreshing = { next: undefined };
    this.#identify(token).then(
      (identity) => this.#refreshed(identity, live),
      () => this.end(CLOSE.internal, "internal"),
    );
  }

  /** The token was refused. It hears no reason (AUTH-4). */
  #turnAway(verdict: "revoked" | undefined, about?: string): void {
    const code = verdict ?? "unauthenticated";
    if (about !== undefined) this.#fault(code, ERRORS[code].message, about);
    this.end(CLOSE[code], code);
  }

  #refreshed(identity: Verdict, live: Live): void {
    if (this.#state.state !== "live") return;
    const next = live.refreshing?.next;
    live.refreshing = undefined;
    if (next !== undefined) return this.#refresh(next, live);
    if (identity === undefined || identity === "revoked") return this.#turnAway(identity);
    if (identity.principal.id !== live.identity.principal.id) {
      this.#fault("identity_changed", ERRORS.identity_changed.message, "auth");
      return this.end(CLOSE.identityChanged, "identity_changed");
    }
    // Another tenant has other documents: a new connection asks for them.
    if (identity.space !== live.identity.space) return this.end(CLOSE.restart, "unauthenticated");
    this.#takeIdentity(identity, live);
  }

  #takeIdentity(identity: Identified, live: Live): void {
    const same = sameRights(identity, live.identity);
    live.expiry();
    live.identity = identity;
    live.requests.refreshed(identity);
    live.expiry = this.#expireAt(identity);
    if (same) return;
    const caller = callerOf(identity);
    live.requests.refresh(caller, identity);
    live.subscriptions.refresh(caller);
  }

  #expireAt({ expiresAt }: Identified): CancelTimer {
    const { runtime } = this.#parts;
    const inMs = Math.min(expiresAt - runtime.now(), MAX_TIMER_MS);
    return runtime.setTimer(inMs, () => this.end(CLOSE.unauthenticated, "unauthenticated"));
  }

  /** The client broke the protocol: said, and the socket ends (ERR-3). */
  #breach(message: string, about: string): void {
    this.#fault("protocol_error", message, about);
    this.end(CLOSE.protocolError, "protocol_error");
  }

  #fault(code: ErrorCode, message: string, about: string | undefined): void {
    const { retry, fault } = ERRORS[code];
    this.#out.send(["err", { code, message, retry, fault, ...(about === undefined ? {} : { about }) }]);
  }

  /** `mayReturn`: whoever was present is for a while, as nobody took leave (PRES-5). */
  #leave(mayReturn: boolean): void {
    const state = this.#state;
    this.#state = { state: "closed" };
    this.#parts.registry.newcomers.left(this);
    if (state.state === "greeting" || state.state === "identifying") state.deadline();
    if (state.state !== "live") return;
    state.heartbeat.stop();
    state.advances?.stop();
    state.backlog.stop();
    state.expiry();
    state.requests.leave();
    state.subscriptions.leave(mayReturn);
    this.#parts.registry.ended(state.claim, this);
  }
}

/** What a client closes with that will not come back (RFC 6455, 7.4.1); a page that is left sends another. */
const CLOSED_FOR_GOOD = 1_000;

/** Nobody returns from these with the right that was lost. */
const RIGHT_LOST: ReadonlySet<ErrorCode> = new Set(["unauthenticated", "identity_changed", "revoked", "denied"]);

/** The longest a timer can be; whoever has a longer right comes back after it. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function unreachable(message: never): never {
  throw new TypeError(`no handler for ${String(message)}`);
}
