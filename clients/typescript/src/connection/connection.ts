// The one socket: token, hello and welcome, back-off, heartbeat, frames in and out. It knows nothing of documents or
// calls: it hands messages to its listener in order, and says when a connection is live and when it is lost.
import {
  CLOSE,
  type ClientMessage,
  type Codec,
  type ErrorCode,
  type Json,
  LIMITS,
  mayReconnect,
  PROTOCOL_VERSION,
  parseServerMessage,
  type ServerMessage,
  SOCKET_PATH,
  TidemarkError,
  type Welcome,
} from "@tidemark/protocol";
import type { TideStatus } from "../api/tide.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform, Socket, Wake } from "../platform/platform.js";
import { backOffMs } from "./back-off.js";
import { type ConnectionEvent, type ConnectionState, transition } from "./connection-state.js";
import { Heartbeat } from "./heartbeat.js";
import { Outbox } from "./outbox.js";
import { TokenSource } from "./token-source.js";

/** What the connection tells. Calls never nest. */
export interface ConnectionListener {
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
  /** A heartbeat is due: send pings with heads. */
  ping(): void;
  /** It will not come back. */
  closed(error: TidemarkError): void;
}

export interface ConnectionOptions {
  readonly platform: Platform;
  readonly codec: Codec;
  readonly url: URL;
  readonly token: string | (() => Promise<string>);
  readonly sdk: string;
  readonly listener: ConnectionListener;
}

/** What a server asked for before it closed. */
interface Hint {
  readonly afterMs: number;
  readonly jitterMs: number;
}

const NO_FAILURE = { failures: 0, unreachable: false };

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #platform: Platform;
  readonly #tokens: TokenSource;
  readonly #outbox: Outbox;
  readonly #heartbeat: Heartbeat;
  readonly #client: string;
  readonly #stopWake: Cancel;
  #state: ConnectionState = { kind: "idle" };
  /** Rises with each connection; what belongs to an older one is ignored. */
  #conn = 0;
  #socket: Socket | undefined;
  /** The back-off, or the time limit of a connection that is being made. */
  #timer: Cancel = () => undefined;
  #refresh: Cancel = () => undefined;
  #triedAtMs = 0;
  #hint: Hint | undefined;
  #fault: ErrorCode | undefined;
  #clockOffsetMs: number | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#platform = options.platform;
    this.#tokens = new TokenSource(options.token);
    this.#client = [...options.platform.randomBytes(16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#outbox = new Outbox({
      platform: options.platform,
      codec: options.codec,
      write: (frame) => this.#socket?.send(frame),
    });
    this.#heartbeat = new Heartbeat({
      platform: options.platform,
      ping: () => options.listener.ping(),
      dead: () => this.restart(CLOSE.silent),
    });
    this.#stopWake = options.platform.onWake((wake) => this.#wake(wake));
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

  /** Why it is closed for good. */
  get error(): TidemarkError | undefined {
    return this.#state.kind === "closed" ? this.#state.error : undefined;
  }

  /** Unix ms by the server's clock; undefined before the first `welcome`. */
  get serverNowMs(): number | undefined {
    return this.#clockOffsetMs === undefined ? undefined : Math.floor(this.#platform.now() + this.#clockOffsetMs);
  }

  /** Connects, if nothing has asked for it yet. */
  start(): void {
    if (this.#state.kind !== "idle") return;
    this.#go({ kind: "start" });
    this.#attempt();
    this.#options.listener.statusChanged();
  }

  /** Queues a message for this tick's frame; only while live. False: no frame can hold it. */
  send(message: ClientMessage): boolean {
    return this.#outbox.push(message);
  }

  /** Gives this socket up and makes another. */
  restart(code: number = CLOSE.restart): void {
    this.#lost(code);
  }

  /** Closes for good. */
  close(error: TidemarkError): void {
    if (this.#state.kind === "closed") return;
    this.#outbox.flush();
    this.#drop(1_000);
    this.#timer();
    this.#stopWake();
    this.#go({ kind: "finished", error });
    this.#options.listener.closed(error);
    this.#options.listener.statusChanged();
  }

  // ------------------------------------------------------------------------------------------------ making one

  #attempt(): void {
    const conn = ++this.#conn;
    this.#triedAtMs = this.#platform.monotonicMs();
    this.#fault = undefined;
    this.#timer = this.#platform.setTimer(CLIENT_LIMITS.welcomeMs, () => this.#lost(CLOSE.helloTimeout));
    this.#tokens.next().then(
      (token) => conn === this.#conn && this.#openSocket(conn, token),
      (error: unknown) => conn === this.#conn && this.#tokenFailed(error),
    );
  }

  #tokenFailed(error: unknown): void {
    if (error instanceof TidemarkError && error.code === "unauthenticated") this.close(error);
    else this.#lost(CLOSE.unauthenticated);
  }

  #openSocket(conn: number, token: string): void {
    const current = (run: () => void): void => {
      if (conn === this.#conn) run();
    };
    this.#socket = this.#platform.openSocket(this.#options.url.href, this.#options.codec.subprotocol, {
      opened: () => current(() => this.#greet(conn, token)),
      message: (frame) => current(() => this.#frame(frame)),
      closed: (code) => current(() => this.#closedByPeer(code)),
    });
  }

  #greet(conn: number, token: string): void {
    this.#go({ kind: "opened" });
    const hello = { v: PROTOCOL_VERSION, token, client: this.#client, conn, sdk: this.#options.sdk, caps: [] };
    this.#outbox.clear();
    this.#outbox.push(["hello", hello]);
    this.#outbox.flush();
  }

  #welcomed(welcome: Welcome): void {
    this.#timer();
    this.#tokens.accepted();
    this.#hint = undefined;
    this.#clockOffsetMs = welcome.now - this.#platform.now();
    this.#outbox.frameBytesMax = welcome.limits.frameBytesMax ?? LIMITS.frameBytesMax;
    this.#heartbeat.start(welcome.watchdogMs);
    this.#scheduleRefresh(welcome.exp - welcome.now);
    this.#go({ kind: "welcomed", nowMs: this.#platform.monotonicMs() });
    // The listener first: what applications send when they hear of it must find its place behind what waits.
    this.#options.listener.live(welcome);
    this.#options.listener.statusChanged();
  }

  #scheduleRefresh(lifeMs: number): void {
    const conn = this.#conn;
    this.#refresh = this.#tokens.schedule(this.#platform, lifeMs, () => {
      this.#tokens.next().then(
        (token) => conn === this.#conn && this.live && this.send(["auth", { token }]),
        // The server closes when the old token expires; the next connection asks again.
        () => undefined,
      );
      this.#scheduleRefresh(lifeMs);
    });
  }

  // ------------------------------------------------------------------------------------------------ frames in

  #frame(frame: string | Uint8Array): void {
    this.#heartbeat.heard();
    const conn = this.#conn;
    let messages: readonly Json[];
    try {
      messages = this.#options.codec.decode(frame, {
        bytesMax: CLIENT_LIMITS.frameBytesMax,
        depthMax: LIMITS.depthMax,
      });
      for (const raw of messages) {
        const message = parseServerMessage(raw);
        if (message !== undefined) this.#message(message);
        if (conn !== this.#conn) return;
      }
    } catch (error) {
      // What cannot be read is not guessed at: positions held are still true, so another connection goes on from them.
      this.#platform.reportError(error);
      this.#lost(CLOSE.protocolError);
      return;
    }
    if (this.live) this.#options.listener.frameEnd();
  }

  #message(message: ServerMessage): void {
    switch (message[0]) {
      case "welcome":
        if (this.#state.kind === "greeting") this.#welcomed(message[1]);
        return;
      case "err":
        this.#fault = message[1].code;
        return;
      case "goaway":
        this.#hint = message[1];
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

  #lost(code: number): void {
    if (this.#state.kind === "closed" || this.#state.kind === "waiting") return;
    const wasLive = this.live;
    this.#drop(code);
    this.#timer();
    this.#go({ kind: "lost", nowMs: this.#platform.monotonicMs() });
    this.#wait(this.#delayMs());
    if (wasLive) this.#options.listener.down();
    this.#options.listener.statusChanged();
  }

  #delayMs(): number {
    const hint = this.#hint;
    this.#hint = undefined;
    if (hint !== undefined) return hint.afterMs + this.#platform.random() * hint.jitterMs;
    const { failures, unreachable } = this.#state.kind === "waiting" ? this.#state : NO_FAILURE;
    // A try that came to nothing after long has waited already.
    const waitedMs = unreachable ? this.#platform.monotonicMs() - this.#triedAtMs : 0;
    return Math.max(0, backOffMs(failures, this.#platform.random()) - waitedMs);
  }

  #wait(delayMs: number): void {
    this.#timer();
    this.#timer = this.#platform.setTimer(Math.min(delayMs, CLIENT_LIMITS.timerMaxMs), () => {
      this.#go({ kind: "due" });
      this.#attempt();
      this.#options.listener.statusChanged();
    });
  }

  /** Forgets the socket at once: a half-open one may take minutes to say that it is closed. */
  #drop(code: number): void {
    this.#conn++;
    this.#heartbeat.stop();
    this.#refresh();
    this.#outbox.clear();
    this.#socket?.close(code);
    this.#socket = undefined;
  }

  #wake(wake: Wake): void {
    if (this.#state.kind === "live") this.#heartbeat.wake();
    else if (this.#state.kind === "waiting" && wake !== "offline") {
      this.#wait(this.#platform.random() * LIMITS.backoffBaseMs);
    }
    this.#options.listener.statusChanged();
  }

  #go(event: ConnectionEvent): void {
    this.#state = transition(this.#state, event);
  }
}

function faultOf(code: number): ErrorCode {
  switch (code) {
    case CLOSE.tooLarge:
      return "too_large";
    case CLOSE.unsupportedVersion:
      return "unsupported_version";
    case CLOSE.identityChanged:
      return "identity_changed";
    case CLOSE.revoked:
      return "revoked";
    case CLOSE.denied:
      return "denied";
    default:
      return "protocol_error";
  }
}

/** The socket's address for what an application calls the service: `https://host` or `wss://host`. */
export function socketUrl(url: string): URL {
  const address = new URL(SOCKET_PATH, url);
  if (address.protocol === "https:") address.protocol = "wss:";
  if (address.protocol === "http:") address.protocol = "ws:";
  return address;
}
