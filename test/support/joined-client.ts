// The real client on a bench's server, in one virtual time: frames travel as bytes, in order, a few milliseconds each way;
// connections can be cut in the middle of anything, and servers can follow one another.
import { type Codec, codecFor, type Piece } from "@tidemark/protocol";
import type { Cancel, Platform, Socket, SocketListener, Wake } from "../../clients/typescript/src/platform/platform.js";
import type { Session } from "../../src/session/session.js";
import type { OutgoingFrame, Wire } from "../../src/session/wire.js";
import { hear } from "../../src/transport/incoming.js";
import type { SessionBench } from "./session-bench.js";
import type { VirtualRuntime } from "./virtual-runtime.js";

const WAY_MS = 5;

/** One connection, both ends of it. */
export class JoinedSocket implements Wire {
  readonly codec: Codec;
  readonly loopback = true;
  bufferedBytes = 0;
  receivedBytes = 0;
  onDrained: (() => void) | undefined = undefined;
  readonly #runtime: VirtualRuntime;
  readonly #listener: SocketListener;
  #session: Session | undefined;
  #over = false;
  /** What its client has not taken; undefined: it takes what comes. */
  #untaken: (string | Uint8Array)[] | undefined;

  constructor(runtime: VirtualRuntime, codec: Codec, listener: SocketListener) {
    this.#runtime = runtime;
    this.codec = codec;
    this.#listener = listener;
  }

  /** Reaches a server, or nobody. */
  dial(server: SessionBench | undefined): void {
    this.#travel(() => {
      if (server === undefined) return this.cut();
      this.#session = server.accept(this);
      this.#listener.opened();
    });
  }

  /** What is under way is lost; both ends notice. */
  cut(code = 1006): void {
    if (this.#over) return;
    this.#over = true;
    this.#session?.socketClosed();
    this.#listener.closed(code);
  }

  writeMessage(piece: Piece): void {
    this.#deliver(this.codec.frame(piece));
  }

  write(frames: readonly OutgoingFrame[]): void {
    for (const { pieces } of frames) this.#deliver(this.codec.join(pieces));
  }

  /** The server ends it, behind what it wrote. */
  close(code: number): void {
    this.#travel(() => this.cut(code));
  }

  send(frame: string | Uint8Array): void {
    this.#travel(() => {
      this.receivedBytes += frame.length;
      const { codec } = this;
      const onBug = (error: unknown): never => {
        throw error;
      };
      if (this.#session !== undefined) hear(frame, codec.binary, { codec, session: this.#session, onBug });
    });
  }

  /** The client is done with it. */
  leave(): void {
    this.#over = true;
    this.#session?.socketClosed();
  }

  /** The client takes nothing until it `takes`. */
  sticks(): void {
    this.#untaken ??= [];
  }

  takes(): void {
    const untaken = this.#untaken ?? [];
    this.#untaken = undefined;
    this.bufferedBytes = 0;
    for (const frame of untaken) this.#deliver(frame);
    if (!this.#over) this.onDrained?.();
  }

  #deliver(frame: string | Uint8Array): void {
    if (this.#untaken !== undefined) {
      this.#untaken.push(frame);
      this.bufferedBytes += frame.length;
      return;
    }
    this.#travel(() => this.#listener.message(frame));
  }

  /** Timers of one time keep their order. */
  #travel(arrive: () => void): void {
    this.#runtime.setTimer(WAY_MS, () => {
      if (!this.#over) arrive();
    });
  }
}

/** The world of one client. */
export class JoinedPlatform implements Platform {
  /** Nothing of it reaches a server. */
  isAway = false;
  /** The newest one. */
  socket: JoinedSocket | undefined;
  readonly reported: unknown[] = [];
  readonly #runtime: VirtualRuntime;
  readonly #server: () => SessionBench | undefined;

  /** `server`: who listens now. */
  constructor(runtime: VirtualRuntime, server: () => SessionBench | undefined) {
    this.#runtime = runtime;
    this.#server = server;
  }

  now = (): number => this.#runtime.now();
  monotonicMs = (): number => this.#runtime.monotonicMs();
  random = (): number => this.#runtime.random();
  online = (): boolean => true;
  onWake =
    (_listener: (wake: Wake) => void): Cancel =>
    () =>
      undefined;

  setTimer(delayMs: number, fire: () => void): Cancel {
    return this.#runtime.setTimer(delayMs, fire);
  }

  microtask(run: () => void): void {
    queueMicrotask(run);
  }

  randomBytes(length: number): Uint8Array {
    return this.#runtime.randomBytes(length);
  }

  openSocket(_url: string, subprotocol: string, listener: SocketListener): Socket {
    const codec = codecFor(subprotocol);
    if (codec === undefined) throw new Error(`no codec for ${subprotocol}`);
    const socket = new JoinedSocket(this.#runtime, codec, listener);
    this.socket = socket;
    socket.dial(this.isAway ? undefined : this.#server());
    return { send: (frame) => socket.send(frame), close: () => socket.leave() };
  }

  post(): Cancel {
    throw new Error("the bench has no HTTP");
  }

  /** Loses its connection, and finds no way back. */
  leave(): void {
    this.isAway = true;
    this.socket?.cut();
  }

  reportError(error: unknown): void {
    this.reported.push(error);
  }

  warn(error: unknown): void {
    this.reported.push(error);
  }
}
