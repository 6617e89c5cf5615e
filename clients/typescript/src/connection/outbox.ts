// Gathers the messages of one tick and writes them as one frame, or as few as the bounds on frames allow. It keeps
// nothing over a connection: what must survive is kept by those who sent it.
import { type ClientMessage, type Codec, LIMITS, type Piece } from "@tidemark/protocol";
import type { Platform } from "../platform/platform.js";

const utf8 = new TextEncoder();

interface OutboxOptions {
  readonly platform: Platform;
  readonly codec: Codec;
  readonly write: (frame: Piece) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #pieces: Piece[] = [];
  #bytes = 0;
  #scheduled = false;
  /** What the server accepts as one frame. */
  frameBytesMax: number = LIMITS.frameBytesMax;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Queues a message; false, and nothing is queued, when no frame can hold it. */
  push(message: ClientMessage): boolean {
    const piece = this.#options.codec.encode(message);
    const bytes = sizeOf(piece, this.frameBytesMax);
    if (bytes + 2 > this.frameBytesMax) return false;
    const frameMax = Math.min(LIMITS.frameFlushBytes, this.frameBytesMax);
    if (this.#pieces.length >= LIMITS.frameMessagesMax || this.#bytes + bytes > frameMax) this.flush();
    this.#pieces.push(piece);
    this.#bytes += bytes + 1;
    this.#schedule();
    return true;
  }

  /** Writes what is queued now. */
  flush(): void {
    if (this.#pieces.length === 0) return;
    const frame = this.#options.codec.join(this.#pieces);
    this.clear();
    this.#options.write(frame);
  }

  /** Forgets what is queued. */
  clear(): void {
    this.#pieces = [];
    this.#bytes = 2;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.platform.microtask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}

/** At least the bytes of a piece; exact when it is near the limit. */
function sizeOf(piece: Piece, bytesMax: number): number {
  if (typeof piece !== "string") return piece.length;
  const most = piece.length * 3;
  return most < bytesMax ? most : utf8.encode(piece).length;
}
