// A session's wire over the body of an HTTP response: one frame a line, as JSON. Nothing comes in on it. What the peer does
// not take is counted by Node's response and its socket, as on a WebSocket (R14).
import type { ServerResponse } from "node:http";
import { type Codec, jsonCodec, type Piece } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { OutgoingFrame, Wire } from "../session/wire.js";

/** How long a peer may take to read what it is still owed, before its connection is destroyed. */
const CLOSE_GRACE_MS = 2_000;

/** What many are sent is made once for all of them. */
const lines = new WeakMap<OutgoingFrame, Buffer>();

/** Lines to one reader. */
export class ResponseWire implements Wire {
  readonly codec: Codec = jsonCodec;
  readonly oneWay = true;
  /** Whoever greets here was identified. */
  readonly loopback = false;
  onDrained: (() => void) | undefined = undefined;
  /** Hears of each message that is written. */
  onWritten: ((piece: Piece) => void) | undefined = undefined;
  readonly #response: ServerResponse;
  readonly #runtime: Runtime;
  #writtenBytes = 0;
  #open = true;
  #grace: CancelTimer | undefined = undefined;

  /** The head of the response was written. */
  constructor(response: ServerResponse, runtime: Runtime) {
    this.#response = response;
    this.#runtime = runtime;
    response.socket?.setNoDelay(true);
    response.on("drain", () => this.#open && this.onDrained?.());
    response.on("error", () => response.destroy());
    response.on("close", () => {
      this.#open = false;
      this.#grace?.();
    });
  }

  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  get receivedBytes(): number {
    return this.#writtenBytes - this.bufferedBytes;
  }

  writeMessage(piece: Piece): void {
    if (!this.#open) return;
    this.#put(`${this.codec.frame(piece)}\n`);
    this.onWritten?.(piece);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (!this.#open) return;
    this.#response.cork();
    for (const frame of frames) this.#put(lineOf(frame));
    this.#response.uncork();
    if (this.onWritten !== undefined) for (const { pieces } of frames) pieces.forEach(this.onWritten);
  }

  close(code: number): void {
    this.writeMessage(this.codec.encode(["bye", code]));
    this.end();
  }

  /** Ends the response without a word. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#response.end();
    this.#grace = this.#runtime.setTimer(CLOSE_GRACE_MS, () => this.#response.destroy());
  }

  #put(line: string | Buffer): void {
    this.#response.write(line);
    this.#writtenBytes += line.length;
  }
}

function lineOf(frame: OutgoingFrame): Buffer {
  const known = lines.get(frame);
  if (known !== undefined) return known;
  const line = Buffer.from(`${frame.codec.join(frame.pieces)}\n`);
  lines.set(frame, line);
  return line;
}
