// A session's wire over the body of an HTTP response: one frame a line, as JSON. Nothing comes in on it. The head of the
// response waits for the first frame: until then it may still be refused.
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
  /** Undefined: it begins. Else the close code with which it was over before; 0: its reader is gone. */
  readonly begun: Promise<number | undefined>;
  readonly #runtime: Runtime;
  readonly #head: () => ServerResponse;
  #settle: (refusal: number | undefined) => void = () => undefined;
  #body: ResponseBody | undefined;
  #isOver = false;

  /** `head` writes the head of the response. */
  constructor(head: () => ServerResponse, runtime: Runtime) {
    this.#head = head;
    this.#runtime = runtime;
    this.begun = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get bufferedBytes(): number {
    return this.#body?.bufferedBytes ?? 0;
  }

  get receivedBytes(): number {
    return this.#body?.takenBytes ?? 0;
  }

  writeMessage(piece: Piece): void {
    if (this.#isOver) return;
    this.#begin().write(`${this.codec.frame(piece)}\n`);
    this.onWritten?.(piece);
  }

  write(frames: readonly OutgoingFrame[]): void {
    if (this.#isOver) return;
    this.#begin().write(...frames.map(lineOf));
    if (this.onWritten !== undefined) for (const { pieces } of frames) pieces.forEach(this.onWritten);
  }

  close(code: number): void {
    if (this.#body !== undefined) this.writeMessage(this.codec.encode(["bye", code]));
    this.#settle(code);
    this.end();
  }

  /** Ends the response without a word. */
  end(): void {
    this.#isOver = true;
    this.#settle(0);
    this.#body?.end();
  }

  #begin(): ResponseBody {
    if (this.#body !== undefined) return this.#body;
    const body = new ResponseBody(this.#head(), this.#runtime);
    body.onDrained = () => this.onDrained?.();
    this.#body = body;
    this.#settle(undefined);
    return body;
  }
}

function lineOf(frame: OutgoingFrame): Buffer {
  const known = lines.get(frame);
  if (known !== undefined) return known;
  const line = Buffer.from(`${frame.codec.join(frame.pieces)}\n`);
  lines.set(frame, line);
  return line;
}
