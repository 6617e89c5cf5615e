// Reads a msgpack frame once, before the decoder sees it, without recursion: lengths that lie, nesting, extension
// types, wide integers, bad UTF-8 and forbidden keys are refused here, because the decoder would overflow its stack,
// rewrite or round them in silence.
import { FrameError, forbiddenKey, tooDeep } from "./frame-error.js";
import { isUtf8 } from "./utf8.js";

const PROTO = [..."__proto__"].map((char) => char.charCodeAt(0));

/** Bytes that follow the first one of a value of fixed size, by first byte; undefined: not of fixed size. */
const FIXED_SIZE: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

type Container = { remaining: number; readonly map: boolean };

/** What a scan lets pass. */
export interface ScanLimits {
  readonly depthMax: number;
  /** Binary in one of the places of a message itself. */
  readonly parts: boolean;
}

/** Throws FrameError for what no frame may hold. True: a number is `-0` or not finite, the value must be normalised. */
export function scanMsgpack(frame: Uint8Array, limits: ScanLimits): boolean {
  return new Scan(frame, limits).run();
}

class Scan {
  readonly #frame: Uint8Array;
  readonly #view: DataView;
  readonly #depthMax: number;
  readonly #parts: boolean;
  readonly #open: Container[] = [];
  #at = 0;
  #suspicious = false;

  constructor(frame: Uint8Array, { depthMax, parts }: ScanLimits) {
    this.#frame = frame;
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#depthMax = depthMax;
    this.#parts = parts;
  }

  run(): boolean {
    while (this.#at < this.#frame.length) {
      const container = this.#open.at(-1);
      const key = container?.map === true && container.remaining % 2 === 0;
      if (container !== undefined) container.remaining--;
      this.#value(this.#uint(1), key);
      while (this.#open.at(-1)?.remaining === 0) this.#open.pop();
    }
    if (this.#open.length > 0) throw truncated();
    return this.#suspicious;
  }

  #value(head: number, key: boolean): void {
    const text = this.#textLength(head);
    if (text !== undefined) {
      this.#text(text, key);
    } else if (key) {
      throw new FrameError("protocol_error", "A map key is not a string.");
    } else if (head < 0x80 || head >= 0xe0) {
      return;
    } else if (head < 0x90 || head === 0xde || head === 0xdf) {
      this.#enter(this.#count(head, 0x80, 0xde) * 2, true);
    } else if (head < 0xa0 || head === 0xdc || head === 0xdd) {
      this.#enter(this.#count(head, 0x90, 0xdc), false);
    } else if (head >= 0xc4 && head <= 0xc6 && this.#takesBinary()) {
      this.#skip(this.#uint(head === 0xc4 ? 1 : head === 0xc5 ? 2 : 4));
    } else {
      this.#scalar(head);
    }
  }

  #textLength(head: number): number | undefined {
    if (head >= 0xa0 && head < 0xc0) return head - 0xa0;
    if (head === 0xd9) return this.#uint(1);
    if (head === 0xda) return this.#uint(2);
    if (head === 0xdb) return this.#uint(4);
    return undefined;
  }

  #count(head: number, fixed: number, wide: number): number {
    if (head === wide) return this.#uint(2);
    return head === wide + 1 ? this.#uint(4) : head - fixed;
  }

  #enter(items: number, map: boolean): void {
    if (this.#open.length >= this.#depthMax) throw tooDeep(this.#depthMax);
    // A count that lies costs nothing here: the frame ends before it is reached (FRAME-4).
    if (items > 0) this.#open.push({ remaining: items, map });
  }

  #text(length: number, key: boolean): void {
    const start = this.#skip(length);
    const text = this.#frame.subarray(start, start + length);
    if (key && length === PROTO.length && PROTO.every((char, index) => text[index] === char)) throw forbiddenKey();
    if (!isUtf8(text)) throw new FrameError("protocol_error", "A string is not UTF-8.");
  }

  #takesBinary(): boolean {
    return this.#parts && this.#open.length === 1 && this.#open[0]?.map === false;
  }

  #scalar(head: number): void {
    const size = FIXED_SIZE.get(head);
    if (size === undefined) {
      throw new FrameError("protocol_error", `The msgpack type 0x${head.toString(16)} is not used here.`);
    }
    const at = this.#skip(size);
    if (head === 0xcf) assertSafe(this.#view.getBigUint64(at));
    else if (head === 0xd3) assertSafe(this.#view.getBigInt64(at));
    else if (head === 0xca) this.#noteFloat(this.#view.getFloat32(at));
    else if (head === 0xcb) this.#noteFloat(this.#view.getFloat64(at));
  }

  #noteFloat(value: number): void {
    if (value === 0 || !Number.isFinite(value)) this.#suspicious = true;
  }

  #uint(size: 1 | 2 | 4): number {
    const at = this.#skip(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#frame.length - start) throw truncated();
    this.#at = start + length;
    return start;
  }
}

function assertSafe(value: bigint): void {
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
    throw new FrameError("protocol_error", "An integer is beyond 2^53-1.");
  }
}

function truncated(): FrameError {
  return new FrameError("protocol_error", "The frame ends inside a message.");
}
