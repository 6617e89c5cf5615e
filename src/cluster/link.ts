// An ordered way between two processes of one server. What one turn produces leaves in one write, what comes out is in the
// order in which it went in, and a side that hears nothing for a while takes the other for dead. It knows no message.
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { FrameSplitter } from "./frame-splitter.js";

/** The bytes under a link. */
export interface LinkWire {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and have not left this process. */
  readonly unsentBytes: number;
  /** Takes nothing more of what comes until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it at once. */
  destroy(): void;
}

/** Why a link is over. */
export type LinkEnd = "closed" | "silent" | "behind" | "garbled";

/** What a link is made of. */
export interface LinkParts {
  readonly runtime: Runtime;
  readonly wire: LinkWire;
  /** Takes one message. What it throws is a bug of its own and ends the link. */
  readonly heard: (message: unknown) => void;
  /** It is over; nothing is heard any more. */
  readonly over: (why: LinkEnd) => void;
  readonly onBug: (error: unknown) => void;
  /** Hears nothing more while much of what it said has not left: what it is asked for is more than the other side takes. One
   * end of a link at most, or both could wait for each other. */
  readonly holdsBack?: boolean;
}

/** How often something is said, so that the other side hears that somebody is there. */
const BEAT_MS = 1_000;
/** Beats without a byte after which the other side is taken for dead: sooner than the clients of either would notice. Beats
 * are counted, not time: whoever was busy for long has looked once. */
const SILENT_BEATS_MAX = 10;
/** More than this, and the other side does not keep up: its clients are better off elsewhere (R14). */
const UNSENT_BYTES_MAX = 256 * 1024 * 1024;
/** As much as an end that holds back says ahead. */
const AHEAD_BYTES_MAX = 8 * 1024 * 1024;
const HEADER_BYTES = 4;

/** One end of a link. */
export class Link {
  readonly #parts: LinkParts;
  readonly #splitter: FrameSplitter;
  /** Messages of this turn, as JSON. */
  #waiting: string[] = [];
  #silentBeats = 0;
  #hasSpoken = false;
  #isOver = false;
  #isPaused = false;
  /** How much waited when it was looked at last. */
  #unsentBytes = 0;
  #cancelBeat: CancelTimer;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#splitter = new FrameSplitter((text) => this.#hear(text));
    this.#cancelBeat = this.#beatLater();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends a message, given as JSON: a text for several links is made once. */
  send(messageJson: string): void {
    if (this.#isOver) return;
    this.#waiting.push(messageJson);
    if (this.#waiting.length === 1) this.#parts.runtime.microtask(this.#flush);
  }

  /** What came by the wire. */
  receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#silentBeats = 0;
    try {
      this.#splitter.take(chunk);
    } catch (error) {
      this.#parts.onBug(error);
      this.#end("garbled");
    }
  }

  /** All that was written has left. */
  wireDrained(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#parts.wire.resume();
  }

  /** The wire is gone. */
  wireClosed(): void {
    this.#end("closed");
  }

  /** Says what waits and ends it. */
  close(): void {
    this.#flush();
    this.#end("closed");
  }

  readonly #flush = (): void => {
    const messages = this.#waiting;
    if (this.#isOver || messages.length === 0) return;
    this.#waiting = [];
    this.#write(`[${messages.join(",")}]`);
  };

  #write(text: string): void {
    const { wire, holdsBack = false } = this.#parts;
    const bytes = Buffer.byteLength(text);
    const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes);
    frame.writeUInt32LE(bytes);
    frame.write(text, HEADER_BYTES);
    wire.write(frame);
    this.#hasSpoken = true;
    if (wire.unsentBytes > UNSENT_BYTES_MAX) return this.#end("behind");
    if (!holdsBack || this.#isPaused || wire.unsentBytes <= AHEAD_BYTES_MAX) return;
    this.#isPaused = true;
    this.#unsentBytes = wire.unsentBytes;
    wire.pause();
  }

  #hear(text: string): void {
    const messages: unknown = JSON.parse(text);
    if (!Array.isArray(messages)) throw new TypeError("a frame of a link is a list");
    for (const message of messages) {
      if (this.#isOver) return;
      this.#parts.heard(message);
    }
  }

  #beatLater(): CancelTimer {
    return this.#parts.runtime.setTimer(BEAT_MS, () => this.#beat());
  }

  #beat(): void {
    this.#silentBeats = this.#isTaken() ? 0 : this.#silentBeats + 1;
    if (this.#silentBeats > SILENT_BEATS_MAX) return this.#end("silent");
    if (!this.#hasSpoken) this.#write("[]");
    this.#hasSpoken = false;
    this.#cancelBeat = this.#beatLater();
  }

  /** While nothing is heard on purpose, that what was said leaves is the sign of life. */
  #isTaken(): boolean {
    if (!this.#isPaused) return false;
    const { unsentBytes } = this.#parts.wire;
    const isTaken = unsentBytes < this.#unsentBytes;
    this.#unsentBytes = unsentBytes;
    return isTaken;
  }

  #end(why: LinkEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelBeat();
    this.#waiting = [];
    this.#parts.wire.destroy();
    this.#parts.over(why);
  }
}
