// The one connection: token, hello and welcome, back-off, heartbeat, over whichever line there is. It knows nothing of
// documents or calls: it hands messages to its listener in order, and says when a connection is live and when it is lost.
import {
  CLOSE,
  type ClientMessage,
  type Codec,
  type ErrorCode,
  LIMITS,
  mayReconnect,
  PROTOCOL_VERSION,
  parseServerMessage,
  type ServerMessage,
  TidemarkError,
  type Welcome,
} from "@tidemark/protocol";
import type { TideStatus, Transport } from "../api/tide.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform, Wake } from "../platform/platform.js";
import { type ConnectionEvent, type ConnectionState, lastTry, transition } from "./connection-state.js";
import { faultOf } from "./ending.js";
import { Heartbeat } from "./heartbeat.js";
import type { Line, RequestSource } from "./line.js";
import { type LineParts, lineTo } from "./line-to.js";
import { ReturnPlan } from "./return-plan.js";
import { ServerClock } from "./server-clock.js";
import { SocketTrial } from "./socket-trial.js";
import { TokenRefresh } from "./token-refresh.js";
import { TokenSource } from "./token-source.js";
import type { TransportPlan } from "./transport-plan.js";

/** What the connection tells, and what it asks where it is made of requests. Calls never nest. */
export interface ConnectionListener extends Pick<RequestSource, "opens" | "lost"> {
  /** `welcome` came: nothing of an earlier connection will arrive any more. */
  live(welcome: Welcome): void;
  /** The socket of a live connection is gone. */
  down(): void;
  /** One message of a live connection. */
  message(message: ServerMessage): void;
  /** All messages of a frame were told. */
  frameEnd(): void;
  /** `status` may have changed. */
  statusChanged(): void;
  /** Something is in doubt: send pings with heads; the k of the last. */
  ping(): number;
  /** Send a ping that only asks for an answer; its k. */
  beat(): number;
  /** Asks the server when the identity of this connection expires, Unix ms by its clock. */
  expiresAt(): Promise<number>;
  /** It will not come back. */
  closed(error: TidemarkError): void;
}

export interface ConnectionOptions {
  readonly platform: Platform;
  readonly codec: Codec;
  /** Of the socket. */
  readonly url: URL;
  readonly plan: TransportPlan;
  readonly token: string | (() => Promise<string>);
  readonly sdk: string;
  /** Who calls: 128 random bits in lower-case hex. */
  readonly client: string;
  /** The number of the first connection is the one after it. */
  readonly connAfter: number;
  readonly listener: ConnectionListener;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #platform: Platform;
  readonly #tokens: TokenSource;
  readonly #heartbeat: Heartbeat;
  readonly #refresh: TokenRefresh;
  readonly #return: ReturnPlan;
  readonly #clock: ServerClock;
  readonly #trial: SocketTrial;
  readonly #lineParts: LineParts;
  readonly #stopWake: Cancel;
  #state: ConnectionState = { kind: "idle" };
  /** Rises with each connection, and with each request of a line made of requests. */
  #conn: number;
  /** Rises when a connection begins or ends; what belongs to an earlier one is ignored. */
  #generation = 0;
  #line: Line | undefined;
  #transport: Transport = "websocket";
  /** When the newest try began. */
  #triedAtMs = 0;
  /** The time limit of a connection that is being made. */
  #timer: Cancel = () => undefined;
  #fault: ErrorCode | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#platform = options.platform;
    this.#tokens = new TokenSource(options.token);
    this.#conn = options.connAfter;
    this.#return = new ReturnPlan(options.platform);
    this.#clock = new ServerClock(options.platform);
    this.#heartbeat = new Heartbeat({
      platform: options.platform,
      ping: () => options.listener.ping(),
      beat: () => options.listener.beat(),
      dead: () => this.restart(CLOSE.silent),
      trustChanged: () => options.listener.statusChanged(),
    });
    this.#refresh = new TokenRefresh({
      platform: options.platform,
      tokens: this.#tokens,
      send: (token) => void this.send(["auth", { token }]),
      expiresAt: () => options.listener.expiresAt(),
      serverNowMs: () => this.#clock.nowMs,
    });
    const source: RequestSource = {
      nextConn: () => ++this.#conn,
      opens: () => options.listener.opens(),
      lost: (lost) => options.listener.lost(lost),
    };
    this.#lineParts = { platform: options.platform, codec: options.codec, url: options.url, source };
    this.#trial = new SocketTrial({ ...options, worked: () => this.#improve(CLIENT_LIMITS.switchWaitMs) });
    this.#stopWake = options.platform.onWake((wake) => this.#wake(wake));
  }

  /** Of what comes and goes now. */
  get codec(): Codec {
    return this.#line?.codec ?? this.#options.codec;
  }

  /** What carries it; only while live. */
  get transport(): Transport | undefined {
    return this.live ? this.#transport : undefined;
  }

  get status(): TideStatus {
    const state = this.#state;
    if (state.kind === "live" || state.kind === "closed") return state.kind;
    const unreachable = state.kind !== "idle" && state.unreachable;
    return unreachable || !this.#platform.online() ? "offline" : "connecting";
  }

  get live(): boolean {
    return this.#state.kind === "live";
  }

  /** What came is no older than two heartbeats; only while live. */
  get trusted(): boolean {
    return this.#heartbeat.trusted;
  }

  /** When something last came, on the monotonic clock. */
  get heardMs(): number {
    return this.#heartbeat.heardMs;
  }

  /** Why it is closed for good. */
  get error(): TidemarkError | undefined {
    return this.#state.kind === "closed" ? this.#state.error : undefined;
  }

  /** Unix ms by the server's clock; undefined before the first `welcome`, and while it cannot be told. */
  get serverNowMs(): number | undefined {
    return this.#clock.hasParted ? undefined : this.#clock.nowMs;
  }

  /** Connects, if nothing has asked for it yet; anew, if the server must be asked what time it is. */
  start(): void {
    if (this.live && this.#clock.hasParted) this.restart();
    if (this.#state.kind !== "idle") return;
    this.#go({ kind: "start" });
    this.#attempt();
    this.#options.listener.statusChanged();
  }

  /** Queues a message for this tick's frame; only while live. False: no frame can hold it. */
  send(message: ClientMessage): boolean {
    return this.#line === undefined || this.#line.push(message);
  }

  /** Sends heads now; without an answer in a short time the connection is given up. Only while live. */
  ask(): void {
    if (this.live) this.#heartbeat.ask();
  }

  /** Asks for an answer, unless one is awaited already; or takes the time that a server's ping says for one. */
  beat(sentMs?: number): void {
    const askedMs = this.#line?.askedMs;
    if (askedMs === undefined) this.#heartbeat.beat();
    else if (sentMs !== undefined) this.#heartbeat.proven(askedMs + sentMs);
  }

  /** The answer to ping `k` came. */
  answered(k: number): void {
    this.#heartbeat.answered(k);
  }

  /** Gives this socket up and makes another. */
  restart(code: number = CLOSE.restart): void {
    this.#lost(code);
  }

  /** Closes for good. */
  close(error: TidemarkError): void {
    if (this.#state.kind === "closed") return;
    this.#line?.flush();
    this.#go({ kind: "finished", error });
    this.#drop(1_000);
    this.#timer();
    this.#return.stop();
    this.#stopWake();
    this.#options.listener.closed(error);
    this.#options.listener.statusChanged();
  }

  // ------------------------------------------------------------------------------------------------ making one

  #attempt(): void {
    const generation = ++this.#generation;
    this.#transport = this.#options.plan.next;
    this.#triedAtMs = this.#platform.monotonicMs();
    this.#fault = undefined;
    this.#giveUpAfter(CLIENT_LIMITS.welcomeMs);
    this.#tokens.next().then(
      (token) => generation === this.#generation && this.#openLine(generation, token),
      (error: unknown) => generation === this.#generation && this.#tokenFailed(error),
    );
  }

  #giveUpAfter(delayMs: number): void {
    this.#timer();
    this.#timer = this.#platform.setTimer(delayMs, () => this.#lost(CLOSE.helloTimeout));
  }

  #tokenFailed(error: unknown): void {
    if (error instanceof TidemarkError && error.code === "unauthenticated") this.close(error);
    else this.#lost(CLOSE.unauthenticated);
  }

  #openLine(generation: number, token: string): void {
    const current = (run: () => void): void => {
      if (generation === this.#generation) run();
    };
    if (this.#options.plan.mayFallBack && this.#transport === "websocket") this.#giveUpAfter(CLIENT_LIMITS.handshakeMs);
    this.#line = lineTo(this.#transport, this.#lineParts, {
      opened: () => current(() => this.#greet(token)),
      frame: (frame) => current(() => this.#frame(frame)),
      closed: (code) => current(() => this.#closedByPeer(code)),
    });
  }

  #greet(token: string): void {
    this.#go({ kind: "opened" });
    this.#giveUpAfter(Math.max(0, this.#triedAtMs + CLIENT_LIMITS.welcomeMs - this.#platform.monotonicMs()));
    const { client, sdk } = this.#options;
    this.#line?.push(["hello", { v: PROTOCOL_VERSION, token, client, conn: ++this.#conn, sdk, caps: [] }]);
    this.#line?.flush();
  }

  #welcomed(welcome: Welcome): void {
    this.#timer();
    this.#tokens.accepted();
    this.#return.forget();
    this.#clock.set(welcome.now);
    this.#heartbeat.start(welcome, this.#line?.askedMs);
    this.#refresh.start(welcome.exp);
    this.#options.plan.welcomed(this.#transport);
    if (this.#options.plan.mayImprove) this.#trial.start();
    this.#go({ kind: "welcomed", nowMs: this.#platform.monotonicMs() });
    // The listener first: what applications send when they hear of it must find its place behind what waits.
    this.#options.listener.live(welcome);
    this.#options.listener.statusChanged();
  }

  // ------------------------------------------------------------------------------------------------ frames in

  #frame(frame: string | Uint8Array): void {
    this.#heartbeat.heard();
    const generation = this.#generation;
    const { codec } = this;
    try {
      const limits = { bytesMax: CLIENT_LIMITS.frameBytesMax, depthMax: LIMITS.depthMax, parts: true };
      for (const raw of codec.decode(frame, limits)) {
        const message = parseServerMessage(raw);
        if (message !== undefined) this.#message(message);
        if (generation !== this.#generation) return;
      }
    } catch (error) {
      // What cannot be read is not guessed at: positions held are still true, so another connection goes on from them.
      this.#platform.warn(error);
      this.#lost(CLOSE.protocolError);
      return;
    }
    if (this.live) this.#options.listener.frameEnd();
  }

  #message(message: ServerMessage): void {
    switch (message[0]) {
      case "welcome":
        this.#line?.welcomed(message[1]);
        if (this.#state.kind === "greeting") this.#welcomed(message[1]);
        return;
      case "err":
        // About one subscription, it is not why the connection ends.
        if (message[1].s === undefined) this.#fault = message[1].code;
        else if (this.live) this.#options.listener.message(message);
        return;
      case "goaway":
        this.#return.hint(message[1]);
        return;
      case "bye":
        this.#closedByPeer(message[1]);
        return;
      default:
        if (this.live) this.#options.listener.message(message);
    }
  }

  // ------------------------------------------------------------------------------------------------ losing one

  #closedByPeer(code: number): void {
    if (code === CLOSE.unauthenticated) this.#tokens.refused();
    if (mayReconnect(code)) {
      this.#lost(code);
      return;
    }
    this.close(new TidemarkError(this.#fault ?? faultOf(code), { message: `The server closed with code ${code}.` }));
  }

  #lost(code: number, { atOnce = false } = {}): void {
    if (this.#state.kind === "closed" || this.#state.kind === "waiting") return;
    const wasLive = this.live;
    const { kind } = this.#state;
    const nowMs = this.#platform.monotonicMs();
    const hasWorked = this.#state.kind === "live" && nowMs - this.#state.sinceMs >= CLIENT_LIMITS.settledMs;
    // Of what was never begun, or while no network is there, nothing is known.
    if (kind !== "idle" && this.#line !== undefined && this.#platform.online()) this.#ended(code, hasWorked);
    this.#go({ kind: "lost", nowMs });
    this.#drop(code);
    this.#timer();
    const { failures, unreachable } = lastTry(this.#state);
    // A try that came to nothing after long has waited already.
    const waitedMs = unreachable ? this.#platform.monotonicMs() - this.#triedAtMs : 0;
    // A try over HTTP has asked for everything before it is answered.
    if (wasLive || this.#transport !== "websocket") this.#options.listener.down();
    if (atOnce) return this.#due();
    this.#return.wait({ failures, waitedMs }, () => this.#due());
    this.#options.listener.statusChanged();
  }

  #ended(code: number, hasWorked: boolean): void {
    if (hasWorked && this.#transport === "websocket") this.#trial.forget();
    this.#options.plan.ended(this.#transport, { code, hasWorked });
  }

  /** A WebSocket gets through: goes on over one, once no call is under way that would have to wait for that. */
  #improve(waitMs: number): void {
    const { plan } = this.#options;
    if (!this.live || !plan.mayImprove) return;
    if (waitMs > 0 && this.#line?.isIdle === false) {
      const { switchLookMs } = CLIENT_LIMITS;
      this.#timer = this.#platform.setTimer(switchLookMs, () => this.#improve(waitMs - switchLookMs));
      return;
    }
    plan.improve();
    this.#lost(CLOSE.restart, { atOnce: true });
  }

  #due(): void {
    this.#go({ kind: "due" });
    this.#attempt();
    this.#options.listener.statusChanged();
  }

  /** Forgets the line at once: a half-open one may take minutes to say that it is closed. */
  #drop(code: number): void {
    this.#generation++;
    this.#trial.stop();
    this.#heartbeat.stop();
    this.#refresh.stop();
    this.#line?.close(code);
    this.#line = undefined;
  }

  #wake(wake: Wake): void {
    const { kind } = this.#state;
    if (wake === "online") {
      this.#trial.forget();
      this.#options.plan.forget();
    }
    if (kind === "live") this.#heartbeat.ask();
    else if (wake !== "offline") {
      this.#return.wake();
      // What was under way may have died in the sleep, and nobody would say so.
      if (kind === "connecting" || kind === "greeting") this.#giveUpAfter(CLIENT_LIMITS.wakeGraceMs);
    }
    this.#options.listener.statusChanged();
  }

  #go(event: ConnectionEvent): void {
    this.#state = transition(this.#state, event);
  }
}
