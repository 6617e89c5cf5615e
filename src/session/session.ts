// The conversation over one socket, from the connection to its end: who is it, and is it still. It owns the session's state;
// what a known peer says is handled by its LiveSession.
import {
  CLOSE,
  type ClientMessage,
  ERRORS,
  type ErrorCode,
  type FrameError,
  type Hello,
  LIMITS,
  PROTOCOL_VERSION,
} from "@tidemark/protocol";
import type { CancelTimer } from "../runtime/runtime.js";
import type { Identified, Verdict } from "./identity.js";
import { breach, type Failure, LiveSession, type SessionHolder } from "./live-session.js";
import type { Newcomer } from "./newcomers.js";
import { OutboundQueue, type QueueHolder } from "./outbound-queue.js";
import type { SessionParts } from "./session-parts.js";
import type { GoAway } from "./session-registry.js";
import type { Wire } from "./wire.js";

type State =
  /** Only `hello` is accepted. */
  | { readonly state: "greeting"; readonly deadline: CancelTimer }
  | { readonly state: "identifying"; readonly deadline: CancelTimer }
  | { readonly state: "live"; readonly live: LiveSession }
  | { readonly state: "closed" };

/** One socket's session. */
export class Session implements Newcomer, QueueHolder, SessionHolder {
  readonly #parts: SessionParts;
  readonly #wire: Wire;
  readonly #out: OutboundQueue;
  #state: State;

  constructor(parts: SessionParts, wire: Wire) {
    this.#parts = parts;
    this.#wire = wire;
    this.#out = new OutboundQueue(wire, parts.flusher, this);
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

  overflowed(): void {
    this.end(CLOSE.slowReader, "slow_reader");
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
    return this.#state.state === "live" && this.#state.live.isSettled;
  }

  /** Says now where everything stands. */
  beat(): void {
    if (this.#state.state === "live") this.#state.live.beat();
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
    const { code, message, about } = error;
    this.fail({ closeCode: code === "too_large" ? CLOSE.tooLarge : CLOSE.protocolError, code, message, about });
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

  /** Says what is wrong, and ends the session. */
  fail({ closeCode, code, message = ERRORS[code].message, about }: Failure): void {
    const { retry, fault } = ERRORS[code];
    this.#out.send(["err", { code, message, retry, fault, ...(about === undefined ? {} : { about }) }]);
    this.end(closeCode, code);
  }

  /** Who shows this token. Whoever is gone by then needs no answer, and none is asked for. */
  identify(token: string): Promise<Verdict> {
    const isAwaited = (): boolean => this.#state.state !== "closed";
    return this.#parts.identify(token, { loopback: this.#wire.loopback, isKnown: this.isKnown, isAwaited });
  }

  /** Ends the session because the server stops, with word of when to come back. */
  goAway({ afterMs, jitterMs }: GoAway): void {
    if (this.#state.state === "closed") return;
    this.#out.send(["goaway", { code: "draining", afterMs, jitterMs }]);
    this.end(CLOSE.draining, "draining");
  }

  /** Ends it if what its identity rests on was withdrawn (AUTH-6). */
  review(isOver: (identity: Identified) => boolean): void {
    if (this.#state.state === "live" && isOver(this.#state.live.identity)) this.end(CLOSE.revoked, "revoked");
  }

  #handle(message: ClientMessage): void {
    const state = this.#state;
    if (state.state === "live") return state.live.take(message);
    if (state.state === "greeting" && message[0] === "hello") return this.#greet(message[1], state.deadline);
    const [about] = message;
    this.fail(breach(`${about} is not expected before welcome`, about));
  }

  #greet(hello: Hello, deadline: CancelTimer): void {
    if (!this.#speaks(hello)) return;
    this.#state = { state: "identifying", deadline };
    this.#parts.registry.newcomers.spoke(this);
    this.identify(hello.token ?? "").then(
      (verdict) => this.#identified(hello, verdict),
      () => this.end(CLOSE.internal, "internal"),
    );
  }

  #speaks({ v }: Hello): boolean {
    if (v === PROTOCOL_VERSION) return true;
    const code = "unsupported_version";
    const message = `this server speaks version ${PROTOCOL_VERSION}`;
    this.fail({ closeCode: CLOSE.unsupportedVersion, code, message, about: "hello" });
    return false;
  }

  #identified(hello: Hello, identity: Verdict): void {
    if (this.#state.state !== "identifying") return;
    if (identity === undefined || identity === "revoked") {
      const code = identity ?? "unauthenticated";
      return this.fail({ closeCode: CLOSE[code], code, about: "hello" });
    }
    this.#state.deadline();
    const { principal, space } = identity;
    const claim = { space, subject: principal.id, client: hello.client, conn: hello.conn };
    const beginning = this.#parts.registry.begins(claim, this, identity);
    if (beginning === "replaced") return this.end(CLOSE.replaced, "closed");
    if (beginning === "too_many")
      return this.fail({ closeCode: CLOSE.overloaded, code: "limit_reached", message: TOO_MANY, about: "hello" });
    const live = new LiveSession(this.#parts, {
      wire: this.#wire,
      out: this.#out,
      holder: this,
      hello,
      identity,
      claim,
    });
    this.#state = { state: "live", live };
    this.#parts.registry.newcomers.left(this);
    live.welcome();
  }

  /** `mayReturn`: whoever was present is for a while, as nobody took leave (PRES-5). */
  #leave(mayReturn: boolean): void {
    const state = this.#state;
    this.#state = { state: "closed" };
    this.#parts.registry.newcomers.left(this);
    if (state.state === "greeting" || state.state === "identifying") state.deadline();
    if (state.state !== "live") return;
    state.live.leave(mayReturn);
    this.#parts.registry.ended(state.live.claim, this);
  }
}

const TOO_MANY = "There are as many connections of this subject as there may be.";

/** What a client closes with that will not come back (RFC 6455, 7.4.1); a page that is left sends another. */
const CLOSED_FOR_GOOD = 1_000;

/** Nobody returns from these with the right that was lost. */
const RIGHT_LOST: ReadonlySet<ErrorCode> = new Set(["unauthenticated", "identity_changed", "revoked", "denied"]);
