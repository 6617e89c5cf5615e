// One WebSocket on its TCP socket: frames out in one write per flush, and the closing handshake. What comes in is read
// by the frame reader.
import type { Duplex } from "node:stream";
import type { Codec, Piece } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { OutgoingFrame, Wire } from "../session/wire.js";
import { isPlain } from "./shared-reads.js";
import { asciiFrame, closeFrame, payloadFrame, pongFrame, wireBytes } from "./websocket-frame.js";

/** The TCP socket under a WebSocket, as far as it is used here. */
export interface TcpSocket extends Duplex {
  readonly bytesRead?: number;
  /** Hears what becomes of it. */
  owner?: unknown;
  /** Bytes are said to be "buffer", as the queue of a stream says it. */
  _write(chunk: unknown, encoding: BufferEncoding | "buffer", done: (error?: Error | null) => void): void;
  _writev?(chunks: Chunk[], done: (error?: Error | null) => void): void;
}

/** As the queue of a stream hands them over. */
interface Chunk {
  readonly chunk: Uint8Array;
  readonly encoding: BufferEncoding | "buffer";
}

/** What a wire is made of. */
export interface WebSocketWireParts {
  readonly tcp: TcpSocket;
  readonly codec: Codec;
  readonly runtime: Runtime;
  readonly loopback: boolean;
}

/** Hears when its socket is gone. */
export interface Leaver {
  gone(): void;
}

/** How long a peer may take to answer a close frame or to take what it is still owed, before its socket is destroyed. */
const CLOSE_GRACE_MS = 2_000;

/** Up to here copying frames together is cheaper than handing them over one by one. */
const JOINED_BYTES_MAX = 16_384;

const NOTHING = Buffer.alloc(0);

/** A socket as sessions see it. */
export class WebSocketWire implements Wire {
  readonly codec: Codec;
  readonly loopback: boolean;
  onDrained: (() => void) | undefined = undefined;
  /** Undefined: nobody asks. */
  leaver: Leaver | undefined = undefined;
  readonly #tcp: TcpSocket;
  readonly #runtime: Runtime;
  /** Whether writes may go past the queue of Node's stream, which most find empty: going through it touches as much memory
   * again as the write. Only a plain socket takes a write while another is under way. */
  readonly #mayPass: boolean;
  /** Of the one write that went past the queue and is not done. */
  #passingBytes = 0;
  /** The kernel did not take it at once. */
  #isLate = false;
  /** Something may be in the queue: the answer to the handshake at first. */
  #mayBeQueued = true;
  #open = true;
  /** The answer to the newest ping, when it has to wait. */
  #owedPong: Uint8Array | undefined = undefined;
  /** Ends the time that is left to a socket that is not open. */
  #grace: CancelTimer | undefined = undefined;

  constructor({ tcp, codec, runtime, loopback }: WebSocketWireParts) {
    this.codec = codec;
    this.loopback = loopback;
    this.#tcp = tcp;
    this.#runtime = runtime;
    this.#mayPass = isPlain(tcp);
    tcp.owner = this;
    tcp.on("close", tellClosed).on("drain", tellDrained).on("end", tellEnded);
  }

  /** Neither side has begun to close: only then is anything said. */
  get open(): boolean {
    return this.#open;
  }

  get bufferedBytes(): number {
    return this.#passingBytes + this.#queuedBytes();
  }

  get receivedBytes(): number {
    return this.#tcp.bytesRead ?? 0;
  }

  writeMessage(piece: Piece): void {
    if (!this.#open) return;
    const payload = this.codec.frame(piece);
    const text = typeof payload === "string" ? asciiFrame(payload) : undefined;
    if (text === undefined) this.#put(payloadFrame(payload, this.codec.binary), "buffer");
    else this.#put(text, "latin1");
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (!this.#open) return;
    const [only] = frames;
    if (frames.length === 1 && only !== undefined) return this.#put(wireBytes(only), "buffer");
    const all = frames.map(wireBytes);
    const length = all.reduce((sum, bytes) => sum + bytes.length, 0);
    if (length <= JOINED_BYTES_MAX) this.#put(Buffer.concat(all), "buffer");
    else this.#writeApart(all, length);
  }

  /** Still one call to the kernel; what many sockets are sent is not copied for each, nor kept for each that is slow. */
  #writeApart(all: readonly Uint8Array[], length: number): void {
    if (this.#tcp._writev !== undefined && this.#passes) {
      this.#passingBytes = length;
      this.#tcp._writev(all.map(asChunk), this.#passed);
      this.#isLate = this.#passingBytes > 0;
      return;
    }
    this.#mayBeQueued = true;
    this.#tcp.cork();
    for (const bytes of all) this.#tcp.write(bytes);
    this.#tcp.uncork();
  }

  /** While something is unsent only the newest ping is owed an answer (RFC 6455, 5.5.3): a write each, of two bytes that take
   * hundreds to queue, would let a peer that does not read fill the memory (R14, R16). */
  pong(payload: Uint8Array): void {
    if (!this.#open) return;
    if (this.bufferedBytes === 0) return this.#put(pongFrame(payload), "buffer");
    const isFirst = this.#owedPong === undefined;
    this.#owedPong = pongFrame(payload);
    if (isFirst) this.#afterQueue(() => this.#payPong());
  }

  close(code: number, reason: string): void {
    this.#sayClose(code, reason);
  }

  /** Lets go of it at once. */
  destroy(): void {
    this.#tcp.destroy();
  }

  /** Its socket is closed. */
  closed(): void {
    this.#open = false;
    this.#grace?.();
    this.leaver?.gone();
  }

  /** Its socket has room again. */
  drained(): void {
    if (this.#open) this.onDrained?.();
  }

  /** The peer sends nothing more, with or without a close frame. */
  ended(): void {
    this.#leave();
  }

  /** The peer sent a close frame, or what must be answered by one. */
  answerClose(code: number | undefined): void {
    this.#sayClose(code, "");
    this.#leave();
  }

  #put(bytes: string | Uint8Array, encoding: "latin1" | "buffer"): void {
    if (this.#passes) {
      this.#passingBytes = bytes.length;
      this.#tcp._write(bytes, encoding, this.#passed);
      this.#isLate = this.#passingBytes > 0;
    } else {
      this.#mayBeQueued = true;
      // Of bytes the encoding is not looked at.
      this.#tcp.write(bytes, "latin1");
    }
  }

  get #passes(): boolean {
    return this.#mayPass && this.#passingBytes === 0 && this.#queuedBytes() === 0;
  }

  /** Calls back when what is unsent now has left. */
  #afterQueue(then: () => void): void {
    this.#mayBeQueued = true;
    this.#tcp.write(NOTHING, then);
  }

  #payPong(): void {
    const answer = this.#owedPong;
    this.#owedPong = undefined;
    if (this.#open && answer !== undefined) this.#put(answer, "buffer");
  }

  readonly #passed = (error?: Error | null): void => {
    const wasLate = this.#isLate;
    this.#passingBytes = 0;
    this.#isLate = false;
    if (error !== undefined && error !== null) this.#tcp.destroy(error);
    // Whoever wrote it knows already of what was taken at once.
    else if (wasLate) this.drained();
  };

  #queuedBytes(): number {
    if (!this.#mayBeQueued) return 0;
    const bytes = this.#tcp.writableLength;
    this.#mayBeQueued = bytes > 0;
    return bytes;
  }

  #sayClose(code: number | undefined, reason: string): void {
    if (!this.#open) return;
    this.#put(closeFrame(code, reason), "buffer");
    this.#startGrace();
  }

  #leave(): void {
    this.#startGrace();
    this.#tcp.end();
  }

  #startGrace(): void {
    this.#open = false;
    this.#grace ??= this.#runtime.setTimer(CLOSE_GRACE_MS, () => this.#tcp.destroy());
  }
}

const asChunk = (chunk: Uint8Array): Chunk => ({ chunk, encoding: "buffer" });

// The same functions for all sockets, which are called on the socket.
function tellClosed(this: TcpSocket): void {
  if (this.owner instanceof WebSocketWire) this.owner.closed();
}

function tellDrained(this: TcpSocket): void {
  if (this.owner instanceof WebSocketWire) this.owner.drained();
}

function tellEnded(this: TcpSocket): void {
  if (this.owner instanceof WebSocketWire) this.owner.ended();
}
