// What the client may know of the world: clocks, timers, chance, sockets, requests, and whether the page is awake. Everything
// else in the client takes a Platform, so that one source runs in Node, in browsers and in a test's virtual time.

/** Stops a timer or a listener; safe to call twice and after it has fired. */
export type Cancel = () => void;

/** What one socket reports. After `closed` nothing more is reported. */
export interface SocketListener {
  opened(): void;
  message(frame: string | Uint8Array): void;
  /** `code` is the WebSocket close code; 1006 when there was no close frame. */
  closed(code: number): void;
}

/** One WebSocket. */
export interface Socket {
  /** Hands a frame to the transport. Ignored when the socket is not open. */
  send(frame: string | Uint8Array): void;
  /** Begins closing; safe to call at any time. */
  close(code: number): void;
}

/** A request that carries JSON. */
export interface Post {
  readonly url: string;
  /** Goes into its `Authorization` header. */
  readonly token: string;
  readonly body: string;
}

/** What the response to a request reports. After `ended` nothing more is reported. */
export interface ResponseListener {
  /** Its head came. */
  answered(status: number): void;
  /** Some of its body came. */
  text(chunk: string): void;
  /** It is over: as a whole, or cut, or there was none. */
  ended(isWhole: boolean): void;
}

/** `online`, `offline`: the network came or went. `visible`: the page is shown, or was thawed. */
export type Wake = "online" | "offline" | "visible";

/** Clock, timers, randomness, sockets and page events of one runtime environment, real or simulated. */
export interface Platform {
  /** Wall clock, Unix milliseconds. It may jump in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards. For durations only. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` (0 to 2^31 - 1) from now. */
  setTimer(delayMs: number, fire: () => void): Cancel;
  /** Calls `run` as soon as the current callback has returned. */
  microtask(run: () => void): void;
  /** Uniform in [0, 1). */
  random(): number;
  /** `length` unpredictable bytes. */
  randomBytes(length: number): Uint8Array;
  /** Begins connecting. A failure is reported as `closed`, never thrown. */
  openSocket(url: string, subprotocol: string, listener: SocketListener): Socket;
  /** Begins a POST. A failure is reported as `ended`, never thrown; nothing is reported once it is cancelled. */
  post(request: Post, listener: ResponseListener): Cancel;
  /** False only when the network is known to be down. */
  online(): boolean;
  onWake(listener: (wake: Wake) => void): Cancel;
  /** Takes what an application's listener threw, so that it neither breaks a stream nor is swallowed. */
  reportError(error: unknown): void;
  /** Says what came from outside and is wrong: never thrown, since nobody out there may end this process. */
  warn(error: unknown): void;
}
