// A session's wire over the body of an HTTP response: one frame a line, as JSON. Nothing comes in on it.
import type { ServerResponse } from "node:http";
import { type Codec, jsonCodec, type Piece } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { OutgoingFrame, Wire } from "../session/wire.js";
import { ResponseBody } from "./response-body.js";

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
  readonly #body: ResponseBody;

  /** The head of the response was written. */
  constructor(response: ServerResponse, runtime: Runtime) {
    this.#body = new ResponseBody(response, runtime);
    this.#body.onDrained = () => this.onDrained?.();
  }

  get bufferedBytes(): number {
    return this.#body.bufferedBytes;
  }

  get receivedBytes(): number {
    return this.#body.takenBytes;
  }

  writeMessage(piece: Piece): void {
    if (!this.#body.isOpen) return;
    this.#body.write(`${this.codec.frame(piece)}\n`);
    this.onWritten?.(piece);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (!this.#body.isOpen) return;
    this.#body.write(...frames.map(lineOf));
    if (this.onWritten !== undefined) for (const { pieces } of frames) pieces.forEach(this.onWritten);
  }

  close(code: number): void {
    this.writeMessage(this.codec.encode(["bye", code]));
    this.end();
  }

  /** Ends the response without a word. */
  end(): void {
    this.#body.end();
  }
}

function lineOf(frame: OutgoingFrame): Buffer {
  const known = lines.get(frame);
  if (known !== undefined) return known;
  const line = Buffer.from(`${frame.codec.join(frame.pieces)}\n`);
  lines.set(frame, line);
  return line;
}
