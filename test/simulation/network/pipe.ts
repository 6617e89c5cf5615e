// One direction of one connection: bytes that arrive in order, late, or not at all. What can happen to them is what can
// happen to a TCP stream: delay, stall, a cut after any byte, and an end that never hears that nobody listens.
import type { SimulatedProcess } from "../world/process.js";
import type { TimeLine } from "../world/time-line.js";

/** Takes what arrives. */
export interface PipeEnd {
  bytes(chunk: Uint8Array): void;
  /** Nothing more will come. */
  ended(): void;
}

/** What a pipe is made of. */
export interface PipeParts {
  readonly timeLine: TimeLine;
  /** Who reads. */
  readonly reader: SimulatedProcess;
  /** How long the next bytes are under way, ms. */
  readonly delayMs: () => number;
  /** Until when nothing arrives. */
  readonly blockedUntilMs: () => number;
  readonly end: PipeEnd;
  /** The reader has taken some of it. */
  readonly taken: () => void;
}

type Item =
  | { readonly kind: "bytes"; bytes: Uint8Array }
  | { readonly kind: "call"; readonly run: () => void }
  | { readonly kind: "end" };

/** A stream of bytes from a writer to a reader. */
export class Pipe {
  readonly #parts: PipeParts;
  /** Under way, in order. */
  #items: Item[] = [];
  #lastArrivalMs = 0;
  #unread = 0;
  #over = false;
  #vanishing = false;

  constructor(parts: PipeParts) {
    this.#parts = parts;
  }

  /** Bytes that were written and have not arrived. */
  get unread(): number {
    return this.#unread;
  }

  /** True once whatever is written is lost without a word. */
  get isVanishing(): boolean {
    return this.#vanishing;
  }

  write(bytes: Uint8Array): void {
    if (this.#over) return;
    // What nobody confirms stays in the writer's kernel.
    this.#unread += bytes.length;
    if (!this.#vanishing) this.#send({ kind: "bytes", bytes });
  }

  /** Something that happens at the reader behind all bytes written before. */
  behind(run: () => void): void {
    if (!this.#over && !this.#vanishing) this.#send({ kind: "call", run });
  }

  /** The reader hears the end behind everything written. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#vanishing) this.#send({ kind: "end" });
  }

  /** The stream breaks: of what is under way only a part arrives, in [0, 1], cut at whatever byte that is. */
  cut(part: number): void {
    if (this.#over) return;
    let left = Math.floor(part * (this.#unread + 1));
    const kept: Item[] = [];
    for (const item of this.#items) {
      if (item.kind === "bytes" && item.bytes.length > left) {
        if (left > 0) kept.push({ kind: "bytes", bytes: item.bytes.subarray(0, left) });
        break;
      }
      if (item.kind === "bytes") left -= item.bytes.length;
      kept.push(item);
    }
    this.#items = kept;
    this.finish();
  }

  /** From now on nothing arrives, and nobody is told. */
  vanish(): void {
    this.#vanishing = true;
    this.#items = [];
  }

  /** Lets go of everything at once: the writer or the reader is gone. */
  drop(): void {
    this.#over = true;
    this.#items = [];
    this.#unread = 0;
  }

  #send(item: Item): void {
    const { timeLine, delayMs } = this.#parts;
    this.#items.push(item);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, timeLine.nowMs + delayMs());
    timeLine.at(this.#lastArrivalMs, this.#arrive, this.#parts.reader);
  }

  /** One item is due; whichever is first, since they arrive in order whatever held them up. */
  readonly #arrive = (): void => {
    const { timeLine, blockedUntilMs, reader, end, taken } = this.#parts;
    if (this.#items.length === 0) return;
    const freeMs = blockedUntilMs();
    if (freeMs > timeLine.nowMs) {
      timeLine.at(freeMs, this.#arrive, reader);
      return;
    }
    const item = this.#items.shift();
    if (item?.kind === "bytes") {
      this.#unread -= item.bytes.length;
      end.bytes(item.bytes);
      taken();
    } else if (item?.kind === "call") {
      item.run();
    } else {
      end.ended();
    }
  };
}
