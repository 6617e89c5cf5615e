// A socket as the server's sessions see it, over a simulated connection: frames become the bytes that the real transport
// would write, and bytes become frames again before they are decoded. It stands where transport/connection.ts stands.
import {
  CLOSE,
  type ClientMessage,
  type Codec,
  FrameError,
  LIMITS,
  type Piece,
  parseClientMessages,
  parseServerMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import type { Session } from "../../../src/session/session.js";
import { OutgoingFrame, type Wire } from "../../../src/session/wire.js";
import { wireBytes } from "../../../src/transport/websocket-frame.js";
import { closeFrame, FrameReader, type StreamFrame } from "../network/frames.js";
import type { Link, ServerEnd } from "../network/link.js";

/** Who hears what passes. */
export interface WireObserver {
  received(messages: readonly ClientMessage[]): void;
  /** `heldBytes`: what the process held when it began to write this and perhaps more. */
  sent(messages: readonly ServerMessage[], bytes: Uint8Array, heldBytes: number): void;
  /** So much was held until now that streams may have waited for room. */
  drained(): void;
  /** Nothing more will be said on it. */
  over(): void;
  /** A bug of the server. */
  bug(error: unknown): void;
}

const IN = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };
const OUT = { bytesMax: LIMITS.frameBytesCeiling * 2, depthMax: LIMITS.depthMax, parts: true };
/** What the kernel takes without the process noticing. */
const KERNEL_BYTES = 65_536;
const CLOSE_GRACE_MS = 2_000;

/** Shared frames are decoded once for all who get them. */
const decoded = new WeakMap<OutgoingFrame, readonly ServerMessage[]>();

/** One socket of a server. */
export class ServerWire implements Wire, ServerEnd {
  onDrained: (() => void) | undefined = undefined;
  readonly codec: Codec;
  readonly loopback = true;
  readonly #link: Link;
  readonly #observer: WireObserver;
  readonly #reader = new FrameReader();
  #session: Session | undefined;
  #received = 0;
  /** The process holds what the kernel did not take. */
  #isHolding = false;
  /** Written since its client takes nothing: what was written before never weighs more than it did. */
  #writtenStuck = 0;
  #isClosed = false;
  /** Asked of each frame of nothing but deltas, until it takes one. */
  #losing: ((messages: readonly ServerMessage[]) => boolean) | undefined;

  constructor(parts: { readonly link: Link; readonly codec: Codec; readonly observer: WireObserver }) {
    this.codec = parts.codec;
    this.#link = parts.link;
    this.#observer = parts.observer;
  }

  get bufferedBytes(): number {
    const { down, weight } = this.#link;
    const { unread } = down;
    return Math.max(0, unread + Math.min(unread, this.#writtenStuck) * (weight - 1) - KERNEL_BYTES);
  }

  get receivedBytes(): number {
    return this.#received;
  }

  /** So much is held that streams may wait for room. */
  get isSlow(): boolean {
    return this.#isHolding;
  }

  /** Feeds what comes in to a session. */
  serve(session: Session): void {
    this.#session = session;
  }

  /** A fault: the next frame of nothing but deltas, or of what is said of the others, that `takes` wants never reaches the
   * socket. */
  loseDeltas(takes: (messages: readonly ServerMessage[]) => boolean): void {
    this.#losing = takes;
  }

  writeMessage(piece: Piece): void {
    this.write([new OutgoingFrame(this.codec, [piece], piece.length)]);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (this.#isClosed) return;
    const heldBytes = this.bufferedBytes;
    for (const frame of frames) this.#write(frame, heldBytes);
  }

  close(code: number, _reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#observer.over();
    this.#link.down.write(closeFrame(code));
    this.#link.down.finish();
    this.#link.server.setTimer(CLOSE_GRACE_MS, () => this.#link.up.drop());
  }

  // ------------------------------------------------------------------------------------------------ from the network

  bytes(chunk: Uint8Array): void {
    this.#received += chunk.length;
    for (const frame of this.#reader.take(chunk)) this.#take(frame);
  }

  stuck(): void {
    this.#writtenStuck = 0;
  }

  taken(): void {
    if (!this.#isHolding || this.bufferedBytes > 0) return;
    this.#observer.drained();
    this.#isHolding = false;
    if (!this.#isClosed) this.onDrained?.();
  }

  ended(code?: number): void {
    this.#isClosed = true;
    this.#observer.over();
    this.#session?.socketClosed(code);
    this.#link.down.finish();
  }

  #take(frame: StreamFrame): void {
    const session = this.#session;
    if (session === undefined) return;
    if (frame.kind === "close") {
      if (!this.#isClosed) this.#link.down.write(closeFrame(frame.code));
      this.ended(frame.code);
      return;
    }
    try {
      this.#receive(frame, session);
    } catch (error) {
      this.#observer.bug(error);
      session.end(CLOSE.internal, "internal");
    }
  }

  #receive({ binary, payload }: Extract<StreamFrame, { kind: "message" }>, session: Session): void {
    const { codec } = this;
    try {
      if (binary !== codec.binary) throw new FrameError("protocol_error", "a frame of the other codec");
      const messages = parseClientMessages(codec.decode(payload, IN));
      if (!this.#isClosed) this.#observer.received(messages);
      session.receive(messages);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      session.refuseFrame(error);
    }
  }

  #write(frame: OutgoingFrame, heldBytes: number): void {
    const messages = messagesOf(frame);
    if (messages.every(([type]) => LOSABLE.has(type)) && this.#losing?.(messages) === true) {
      this.#losing = undefined;
      return;
    }
    const bytes = wireBytes(frame);
    this.#observer.sent(messages, bytes, heldBytes);
    this.#link.down.write(bytes);
    this.#writtenStuck += bytes.length;
    this.#isHolding ||= this.bufferedBytes > 0;
  }
}

/** What a client can miss and notice. */
const LOSABLE: ReadonlySet<ServerMessage[0]> = new Set(["d", "pres"]);

function messagesOf(frame: OutgoingFrame): readonly ServerMessage[] {
  const known = decoded.get(frame);
  if (known !== undefined) return known;
  const { codec, pieces } = frame;
  const messages: ServerMessage[] = [];
  for (const raw of codec.decode(codec.join(pieces), OUT)) {
    const message = parseServerMessage(raw);
    if (message !== undefined) messages.push(message);
  }
  decoded.set(frame, messages);
  return messages;
}
