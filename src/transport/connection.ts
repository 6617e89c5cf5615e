// One WebSocket: frames in are checked, decoded and validated before a session sees them; frames out go straight to the
// TCP socket in one write per flush.
import type { Duplex } from "node:stream";
import { CLOSE, type Codec, FrameError, LIMITS, type Piece, parseClientMessages } from "@tidemark/protocol";
import type { RawData, WebSocket } from "ws";
import type { Session } from "../session/session.js";
import { OutgoingFrame, type Wire } from "../session/wire.js";
import { wireBytes } from "./websocket-frame.js";

/** The TCP socket under a WebSocket, as far as it is used here. */
export interface TcpSocket extends Duplex {
  readonly bytesRead?: number;
  readonly remoteAddress?: string | undefined;
}

/** How long a peer may take to answer a close frame before its socket is destroyed, ms. */
const CLOSE_GRACE_MS = 2_000;
const IN = { bytesMax: LIMITS.frameBytesMax, depthMax: LIMITS.depthMax };

/** A socket as sessions see it. */
export class WebSocketWire implements Wire {
  readonly codec: Codec;
  readonly loopback: boolean;
  readonly #socket: WebSocket;
  readonly #tcp: TcpSocket;
  readonly #later: (ms: number, run: () => void) => void;

  constructor(parts: {
    socket: WebSocket;
    tcp: TcpSocket;
    codec: Codec;
    later: (ms: number, run: () => void) => void;
  }) {
    this.codec = parts.codec;
    this.loopback = isLoopback(parts.tcp.remoteAddress);
    this.#socket = parts.socket;
    this.#tcp = parts.tcp;
    this.#later = parts.later;
  }

  get bufferedBytes(): number {
    return this.#tcp.writableLength;
  }

  get receivedBytes(): number {
    return this.#tcp.bytesRead ?? 0;
  }

  // The library's sender queues only for compression and for Blobs, which are off and never sent: nothing of its own
  // can be between two of these writes.
  writeMessage(piece: Piece): void {
    this.write([new OutgoingFrame(this.codec, [piece], piece.length)]);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (this.#tcp.destroyed || this.#socket.readyState !== this.#socket.OPEN) return;
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) this.#tcp.write(wireBytes(only));
    else this.#tcp.write(Buffer.concat(frames.map(wireBytes)));
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#later(CLOSE_GRACE_MS, () => this.#socket.terminate());
  }
}

/** Feeds what comes in by a socket to its session. */
export function connect(socket: WebSocket, codec: Codec, session: Session, onBug: (error: unknown) => void): void {
  socket.on("message", (data: RawData, isBinary: boolean) => {
    try {
      receive({ data, isBinary }, codec, session);
    } catch (error) {
      // A bug of ours must not become everybody's: this connection ends and comes back, the process goes on (R19).
      onBug(error);
      session.end(CLOSE.internal, "internal");
    }
  });
  socket.on("close", () => session.socketClosed());
  // The library closes the socket after an error; what remains is to hear of it.
  socket.on("error", () => undefined);
}

function receive({ data, isBinary }: { data: RawData; isBinary: boolean }, codec: Codec, session: Session): void {
  try {
    if (isBinary !== codec.binary)
      throw new FrameError("protocol_error", `${codec.name} frames are ${codec.binary ? "binary" : "text"}`);
    session.receive(parseClientMessages(codec.decode(bytesOf(data), IN)));
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    session.refuseFrame(error);
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

const isLoopback = (address: string | undefined): boolean =>
  address === "::1" || /^(::ffff:)?127\./.test(address ?? "");
