// A session whose peer is known: its documents, its calls, its heartbeat, and the token that all of it rests on. How it came
// to be known, and how a session ends, is decided by Session.
import {
  CLOSE,
  type ClientMessage,
  type ErrorCode,
  type Hello,
  type JsonObject,
  LIMITS,
  ONE_WAY,
  type PingMessage,
  PROTOCOL_VERSION,
  type ServerMessage,
} from "@tidemark/protocol";
import { randomHex } from "../runtime/ids.js";
import type { CancelTimer } from "../runtime/runtime.js";
import { TokenBucket } from "../runtime/token-bucket.js";
import { Advances } from "./advances.js";
import { type Beating, Heartbeat, headLists } from "./heartbeat.js";
import { type Identified, sameRights, type Verdict } from "./identity.js";
import type { OutboundQueue } from "./outbound-queue.js";
import { Requests, type RequestsHolder } from "./requests.js";
import type { SessionParts } from "./session-parts.js";
import type { Claim } from "./session-registry.js";
import { Subscriptions, type SubscriptionsHolder } from "./subscriptions.js";
import type { Wire } from "./wire.js";

/** What is wrong, and what the connection is closed with. */
export interface Failure {
  readonly closeCode: number;
  readonly code: ErrorCode;
  /** Default: the one of the code. */
  readonly message?: string;
  /** Type of the message that it is about. */
  readonly about?: string | undefined;
}

/** Who decides how it ends. */
export interface SessionHolder {
  end(closeCode: number, reason: ErrorCode): void;
  fail(failure: Failure): void;
  identify(token: string): Promise<Verdict>;
}

/** What it is made of. */
export interface LiveSessionParts {
  readonly holder: SessionHolder;
  readonly wire: Wire;
  readonly out: OutboundQueue;
  readonly hello: Hello;
  readonly identity: Identified;
  readonly claim: Claim;
}

/** The client broke the protocol (ERR-3). */
export const breach = (message: string, about: string): Failure => ({
  closeCode: CLOSE.protocolError,
  code: "protocol_error",
  message,
  about,
});

/** A client counts for a minute before it reports (HEAD-5); its clock and ours may differ a little. */
const REPORT_INTERVAL_MS = 50_000;

/** A session from `welcome` to its end. */
export class LiveSession implements Beating, SubscriptionsHolder, RequestsHolder {
  readonly claim: Claim;
  readonly #parts: SessionParts;
  readonly #holder: SessionHolder;
  readonly #wire: Wire;
  readonly #out: OutboundQueue;
  readonly #subscriptions: Subscriptions;
  readonly #requests: Requests;
  readonly #heartbeat: Heartbeat;
  /** It is told what nobody asks for: its peer only passes on. */
  readonly #oneWay: boolean;
  /** Of a wire that only goes out. */
  readonly #advances: Advances | undefined;
  #identity: Identified;
  /** When its right ends, on the monotonic clock; the timer is set when that is near. */
  #expiresAtMs = 0;
  #cancelExpiry: CancelTimer | undefined = undefined;
  /** What its pings may have looked at; undefined until one comes. */
  #looks: TokenBucket | undefined = undefined;
  /** Undefined: never. */
  #reportedAtMs: number | undefined = undefined;
  /** A refreshed token is being checked; the newest that came meanwhile is next. */
  #refreshing: { next: string | undefined } | undefined = undefined;
  #isOver = false;

  constructor(parts: SessionParts, { holder, wire, out, hello, identity, claim }: LiveSessionParts) {
    const { documents, fanOuts, runtime, registry, pingIntervalMs, watchdogMs } = parts;
    const { codec } = wire;
    const oneWay = wire.oneWay === true || hello.caps.includes(ONE_WAY);
    const { client, conn } = hello;
    this.claim = claim;
    this.#parts = parts;
    this.#holder = holder;
    this.#wire = wire;
    this.#out = out;
    this.#identity = identity;
    this.#oneWay = oneWay;
    this.#advances = oneWay ? new Advances(runtime, () => this.#subscriptions.catchUpAll()) : undefined;
    // One object that hears of everything, not a function for each: there are as many as connections.
    // Behind the rest, always: a literal that begins with a spread costs fifty times as much.
    const common = { caller: identity, documents, out, holder: this };
    const subscriptions = new Subscriptions({ wire, fanOuts, runtime, advances: this.#advances, ...common });
    this.#subscriptions = subscriptions;
    this.#requests = new Requests({ codec, subscriptions, client, conn, identity, ...common });
    const rounds = registry.rounds(runtime, pingIntervalMs);
    this.#heartbeat = new Heartbeat({ runtime, rounds, watchdogMs, holder: this, oneWay });
    this.#expireWith(identity);
  }

  /** Whose token it rests on. */
  get identity(): Identified {
    return this.#identity;
  }

  /** Everything that was asked for has been sent. */
  get isSettled(): boolean {
    return this.#subscriptions.leftOut === 0;
  }

  /** Says now where everything stands. */
  beat(): void {
    this.#heartbeat.beatNow();
  }

  get receivedBytes(): number {
    return this.#wire.receivedBytes;
  }

  heads(): Iterable<readonly [h: number, epoch: number, seq: number]> {
    return this.#subscriptions.heads();
  }

  send(message: ServerMessage): void {
    this.#out.send(message);
  }

  beats(): void {
    this.#expireSoon();
  }

  silent(): void {
    this.#holder.end(CLOSE.silent, "connection_lost");
  }

  stalled(): void {
    this.#holder.end(CLOSE.slowReader, "slow_reader");
  }

  overrun(code: ErrorCode): void {
    this.#holder.end(CLOSE.overloaded, code);
  }

  breach(message: string, about: string): void {
    this.#holder.fail(breach(message, about));
  }

  /** Tells its peer that it is known, and by which rules they talk. First of all. */
  welcome(): void {
    const { runtime, serverId, pingIntervalMs, watchdogMs } = this.#parts;
    const { principal, expiresAt } = this.#identity;
    const { frameBytesMax, inputBytesMax, subscriptionsMax, inFlightMax } = LIMITS;
    this.#out.send([
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
        caps: this.#oneWay ? [ONE_WAY] : [],
      },
    ]);
  }

  take(message: ClientMessage): void {
    switch (message[0]) {
      case "c":
        return this.#requests.take(message);
      case "open":
        return this.#subscriptions.open(message[1]);
      case "close":
        return this.#subscriptions.close(message[1]);
      case "sig":
        return this.#subscriptions.signal(message);
      case "pres":
        return this.#subscriptions.present(message);
      case "ping":
        return this.#pong(message);
      case "pong":
        return;
      case "auth":
        return this.#refresh(message[1].token);
      case "hello":
        return this.#holder.fail(breach("hello was said already", "hello"));
      default:
        return unreachable(message);
    }
  }

  /** It is over. `mayReturn`: whoever was present is for a while, as nobody took leave (PRES-5). */
  leave(mayReturn: boolean): void {
    this.#isOver = true;
    this.#heartbeat.stop();
    this.#advances?.stop();
    this.#cancelExpiry?.();
    this.#requests.leave();
    this.#subscriptions.leave(mayReturn);
  }

  #pong([, k, asked, extension]: PingMessage): void {
    if (!this.#mayLook()) return this.#holder.end(CLOSE.overloaded, "rate_limited");
    if (extension?.stats !== undefined) this.#hearReport(extension.stats);
    const { leftOut } = this.#subscriptions;
    if (leftOut === 0 && asked.length === 0) return this.#out.send(["pong", k, []]);
    for (const heads of headLists(this.#subscriptions.heads()))
      this.#out.send(leftOut === 0 ? ["pong", k, heads] : ["pong", k, heads, { left: leftOut }]);
  }

  /** An answer looks at every subscription, so a frame full of pings would keep everybody else waiting (HEAD-6). */
  #mayLook(): boolean {
    const { runtime } = this.#parts;
    this.#looks ??= new TokenBucket({ runtime, perSecond: LIMITS.headsPerSecond, burst: LIMITS.headsBurst });
    return this.#looks.take(Math.max(1, this.#subscriptions.size)) === 0;
  }

  /** Once a minute, so that nobody counts for more by reporting more often. */
  #hearReport(stats: JsonObject): void {
    const nowMs = Math.floor(this.#parts.runtime.monotonicMs());
    if (this.#reportedAtMs !== undefined && nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return;
    this.#reportedAtMs = nowMs;
    this.#parts.registry.reported(stats);
  }

  /** One token at a time, in order, however many come: checking is the application's work, and only the newest counts. */
  #refresh(token: string): void {
    if (this.#refreshing !== undefined) {
      this.#refreshing.next = token;
      return;
    }
    this.#refreshing = { next: undefined };
    this.#holder.identify(token).then(
      (verdict) => this.#refreshed(verdict),
      () => this.#holder.end(CLOSE.internal, "internal"),
    );
  }

  #refreshed(verdict: Verdict): void {
    if (this.#isOver) return;
    const next = this.#refreshing?.next;
    this.#refreshing = undefined;
    if (next !== undefined) return this.#refresh(next);
    const holder = this.#holder;
    // Its sender hears no reason (AUTH-4).
    if (verdict === undefined) return holder.end(CLOSE.unauthenticated, "unauthenticated");
    if (verdict === "revoked") return holder.end(CLOSE.revoked, "revoked");
    if (verdict.principal.id !== this.#identity.principal.id)
      return holder.fail({ closeCode: CLOSE.identityChanged, code: "identity_changed", about: "auth" });
    // Another tenant has other documents: a new connection asks for them.
    if (verdict.space !== this.#identity.space) return holder.end(CLOSE.restart, "unauthenticated");
    this.#takeIdentity(verdict);
  }

  #takeIdentity(identity: Identified): void {
    const same = sameRights(identity, this.#identity);
    this.#identity = identity;
    this.#requests.refreshed(identity);
    this.#parts.registry.refreshed(this.claim, identity);
    this.#expireWith(identity);
    if (same) return;
    this.#requests.refresh(identity, identity);
    this.#subscriptions.refresh(identity);
  }

  #expireWith({ expiresAt }: Identified): void {
    const { runtime } = this.#parts;
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
    this.#expiresAtMs = Math.floor(runtime.monotonicMs()) + expiresAt - runtime.now();
    this.#expireSoon();
  }

  /** Sets the timer if the next beat may come too late for it. */
  #expireSoon(): void {
    if (this.#cancelExpiry !== undefined) return;
    const { runtime, pingIntervalMs } = this.#parts;
    const inMs = this.#expiresAtMs - runtime.monotonicMs();
    if (inMs > 2 * pingIntervalMs) return;
    this.#cancelExpiry = runtime.setTimer(Math.max(0, inMs), () =>
      this.#holder.end(CLOSE.unauthenticated, "unauthenticated"),
    );
  }
}

function unreachable(message: never): never {
  throw new TypeError(`no handler for ${String(message)}`);
}
