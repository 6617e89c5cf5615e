// Finds the frames in a stream of bytes: a length of four bytes, little-endian, and as many bytes of UTF-8.

const HEADER_BYTES = 4;

/** One direction of a link, as it comes in. */
export class FrameSplitter {
  readonly #found: (text: string) => void;
  /** What has come of the frame that is not whole. */
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** How many there must be before it is worth looking again. */
  #wanted = HEADER_BYTES;

  constructor(found: (text: string) => void) {
    this.#found = found;
  }

  /** Takes the next bytes, which may be written over afterwards; hands over every frame that they complete. */
  take(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#bytes === 0) return this.#keep(this.#handOver(bytes));
    this.#chunks.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes < this.#wanted) return;
    const all = Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    this.#keep(this.#handOver(all));
  }

  /** Returns what follows the last whole frame. */
  #handOver(bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      const wanted = bytes.length - at < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + bytes.readUInt32LE(at);
      if (bytes.length - at < wanted) {
        this.#wanted = wanted;
        return bytes.subarray(at);
      }
      this.#found(bytes.toString("utf8", at + HEADER_BYTES, at + wanted));
      at += wanted;
    }
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#chunks = [Buffer.from(rest)];
    this.#bytes = rest.length;
  }
}
