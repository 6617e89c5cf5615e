// Reads the frames of a WebSocket client (RFC 6455, section 5): masked, uncompressed, in any fragments, cut anywhere by
// TCP. It knows nothing of sockets and answers nothing. A frame that is whole in its chunk is read where it lies.
import { GrowingBytes } from "./growing-bytes.js";
import { unmask } from "./unmask.js";
import {
  BAD_FRAME,
  CONTROL_BYTES_MAX,
  FIN,
  isCloseCode,
  MASKED,
  OPCODE,
  RESERVED,
  TOO_BIG,
} from "./websocket-frame.js";

/** Hears what was read. Bytes are lent: they are good until the call returns. */
export interface FrameSink {
  /** How large a message may be at this moment. */
  readonly messageBytesMax: number;
  /** A whole message; text comes as a string when it is ASCII, else as bytes that may or may not be UTF-8. */
  message(payload: string | Uint8Array, binary: boolean): void;
  ping(payload: Uint8Array): void;
  /** The peer closes, with this code or none. Nothing comes after it. */
  closed(code: number | undefined): void;
  /** What came is no WebSocket frame (1002), or a message is too large (1009). Nothing comes after it. */
  failed(code: typeof BAD_FRAME | typeof TOO_BIG): void;
}

const HEAD_BYTES_MIN = 2;
const MASK_BYTES = 4;

/** Turns chunks into messages. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a frame that a chunk cut; undefined: none was. */
  #partial: GrowingBytes | undefined = undefined;
  /** How much of it must be here before it is worth another look. */
  #wanted = 0;
  /** The fragments so far of a message, and its opcode; undefined and 0: no message is under way. */
  #fragments: GrowingBytes | undefined = undefined;
  #fragmented = 0;
  #over = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Takes the first `length` bytes of a chunk, which are unmasked in place and not kept. */
  read(chunk: Buffer, length: number): void {
    let at = this.#partial === undefined ? 0 : this.#resume(this.#partial, chunk, length);
    while (at < length && !this.#over) {
      const size = this.#frame(chunk, at, length);
      if (size === 0) return this.#keep(chunk, at, length);
      at += size;
    }
  }

  /** Goes on with a frame that was cut, and with that one only. Returns where the next begins. */
  #resume(partial: GrowingBytes, chunk: Buffer, length: number): number {
    let at = 0;
    while (this.#partial !== undefined && at < length) {
      const end = Math.min(length, at + this.#wanted - partial.length);
      partial.append(chunk, at, end);
      at = end;
      if (partial.length === this.#wanted && this.#frame(partial.bytes, 0, partial.length) > 0)
        this.#partial = undefined;
    }
    return at;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    this.#partial = new GrowingBytes();
    this.#partial.append(chunk, start, end);
  }

  /** Reads the frame at `start`. Returns its size; 0: more of it is wanted, and nothing was done. */
  #frame(bytes: Buffer, start: number, end: number): number {
    const here = end - start;
    if (here < HEAD_BYTES_MIN) return this.#want(HEAD_BYTES_MIN);
    const head = bytes[start] ?? 0;
    const lengthByte = bytes[start + 1] ?? 0;
    if (!this.#isInOrder(head, lengthByte)) return this.#fail(BAD_FRAME, here);
    const short = lengthByte & ~MASKED;
    const headBytes = HEAD_BYTES_MIN + (short < 126 ? 0 : short === 126 ? 2 : 8) + MASK_BYTES;
    if (here < headBytes) return this.#want(headBytes);
    const payloadBytes = payloadLength(bytes, start, short);
    if (isData(head) && (this.#fragments?.length ?? 0) + payloadBytes > this.#sink.messageBytesMax)
      return this.#fail(TOO_BIG, here);
    const size = headBytes + payloadBytes;
    if (here < size) return this.#want(size);
    this.#take(head, bytes, start + headBytes, start + size);
    return size;
  }

  #want(bytes: number): 0 {
    this.#wanted = bytes;
    return 0;
  }

  #fail(code: typeof BAD_FRAME | typeof TOO_BIG, here: number): number {
    this.#over = true;
    this.#fragments = undefined;
    this.#sink.failed(code);
    return here;
  }

  #isInOrder(head: number, lengthByte: number): boolean {
    if ((head & RESERVED) !== 0 || (lengthByte & MASKED) === 0) return false;
    const length = lengthByte & ~MASKED;
    switch (head & OPCODE.mask) {
      case OPCODE.continuation:
        return this.#fragmented !== 0;
      case OPCODE.text:
      case OPCODE.binary:
        return this.#fragmented === 0;
      case OPCODE.close:
        return (head & FIN) !== 0 && length <= CONTROL_BYTES_MAX && length !== 1;
      case OPCODE.ping:
      case OPCODE.pong:
        return (head & FIN) !== 0 && length <= CONTROL_BYTES_MAX;
      default:
        return false;
    }
  }

  #take(head: number, bytes: Buffer, start: number, end: number): void {
    const ascii = unmask(bytes, start, end);
    const opcode = head & OPCODE.mask;
    if (!isData(head)) return this.#control(opcode, bytes.subarray(start, end));
    if (this.#fragmented !== 0 || (head & FIN) === 0) return this.#fragment(head, bytes, start, end);
    const text = ascii && opcode === OPCODE.text;
    this.#sink.message(
      text ? bytes.toString("latin1", start, end) : bytes.subarray(start, end),
      opcode === OPCODE.binary,
    );
  }

  #fragment(head: number, bytes: Buffer, start: number, end: number): void {
    if (this.#fragmented === 0) this.#fragmented = head & OPCODE.mask;
    this.#fragments ??= new GrowingBytes();
    this.#fragments.append(bytes, start, end);
    if ((head & FIN) === 0) return;
    const binary = this.#fragmented === OPCODE.binary;
    const message = this.#fragments.bytes;
    this.#fragmented = 0;
    this.#fragments = undefined;
    this.#sink.message(message, binary);
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping) this.#sink.ping(payload);
    if (opcode !== OPCODE.close) return;
    const code = payload.length === 0 ? undefined : payload.readUInt16BE(0);
    if (code !== undefined && !isCloseCode(code)) return void this.#fail(BAD_FRAME, 0);
    this.#over = true;
    this.#fragments = undefined;
    this.#sink.closed(code);
  }
}

const isData = (head: number): boolean => (head & OPCODE.mask) < OPCODE.close;

function payloadLength(bytes: Buffer, start: number, short: number): number {
  if (short < 126) return short;
  if (short === 126) return bytes.readUInt16BE(start + 2);
  return bytes.readUInt32BE(start + 2) * 2 ** 32 + bytes.readUInt32BE(start + 6);
}
