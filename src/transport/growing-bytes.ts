// Bytes that come in pieces and are wanted in one.

const NONE = Buffer.alloc(0);

/** A buffer that grows with what is put into it. Empty, it holds no memory. */
export class GrowingBytes {
  #bytes = NONE;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What came so far. Good until more comes. */
  get bytes(): Buffer {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  append(source: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** By half as much again at least, so that a copy of all is made seldom however small the pieces are. Not from the
   * pool, which a few bytes of one slow peer would keep alive. */
  #grow(length: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(length, this.#length + (this.#length >>> 1)));
    grown.set(this.bytes);
    this.#bytes = grown;
  }
}
