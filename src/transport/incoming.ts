// What a socket hears, on its way to its session: frames are checked, decoded and validated before a session sees them.
import { CLOSE, type Codec, FrameError, LIMITS, parseClientMessages } from "@tidemark/protocol";
import type { Session } from "../session/session.js";
import type { Leaver, WebSocketWire } from "./connection.js";
import type { FrameSink } from "./frame-reader.js";
import { type BAD_FRAME, TOO_BIG } from "./websocket-frame.js";

/** Above the protocol's own bound, so that a frame past it is answered in words (FRAME-3); one past this is not. */
const MESSAGE_BYTES_MAX = 2 * LIMITS.frameBytesMax;
const IN = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };

/** Where the messages of a socket go. */
export interface Listener {
  readonly codec: Codec;
  readonly session: Session;
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
}

/** What the sockets of a server share. */
export interface SocketHome {
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
  /** A socket is gone. */
  left(wire: WebSocketWire): void;
}

/** The reader's ear: messages go to the session, control frames back to the wire. */
export class Incoming implements FrameSink, Leaver, Listener {
  readonly session: Session;
  readonly #wire: WebSocketWire;
  readonly #home: SocketHome;

  constructor(session: Session, wire: WebSocketWire, home: SocketHome) {
    this.session = session;
    this.#wire = wire;
    this.#home = home;
    wire.leaver = this;
  }

  get codec(): Codec {
    return this.#wire.codec;
  }

  get onBug(): (error: unknown) => void {
    return this.#home.onBug;
  }

  get messageBytesMax(): number {
    return this.session.isKnown ? MESSAGE_BYTES_MAX : LIMITS.helloBytesMax;
  }

  message(payload: string | Uint8Array, binary: boolean): void {
    if (this.#wire.open) hear(payload, binary, this);
  }

  ping(payload: Uint8Array): void {
    this.#wire.pong(payload);
  }

  gone(): void {
    this.#home.left(this.#wire);
    this.session.socketClosed();
  }

  closed(code: number | undefined): void {
    this.session.socketClosed(code);
    this.#wire.answerClose(code);
  }

  failed(code: typeof BAD_FRAME | typeof TOO_BIG): void {
    // Much less than others may send: whoever is not known may not have meant to break a rule.
    const { session } = this;
    if (code === TOO_BIG && !session.isKnown) session.refuseFrame(helloTooLarge());
    this.#wire.answerClose(code);
  }
}

/** Gives a session the messages of one WebSocket message. Never throws. */
export function hear(payload: string | Uint8Array, binary: boolean, { codec, session, onBug }: Listener): void {
  try {
    if (binary !== codec.binary)
      throw new FrameError("protocol_error", `${codec.name} frames are ${codec.binary ? "binary" : "text"}`);
    session.receive(parseClientMessages(codec.decode(payload, IN)));
  } catch (error) {
    if (error instanceof FrameError) return session.refuseFrame(error);
    // A bug of ours must not become everybody's: this connection ends and comes back, the process goes on (R19).
    onBug(error);
    session.end(CLOSE.internal, "internal");
  }
}

const helloTooLarge = (): FrameError =>
  new FrameError("too_large", `before welcome a message has at most ${LIMITS.helloBytesMax} bytes`, "hello");
