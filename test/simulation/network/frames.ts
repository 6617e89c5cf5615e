// WebSocket frames as bytes of a stream, as far as both ends need them: text, binary and close, unmasked and whole. A
// frame exists for its reader only once its last byte has come.

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const FIN = 0x80;

/** What came out of a stream. */
export type StreamFrame =
  | { readonly kind: "message"; readonly binary: boolean; readonly payload: Uint8Array }
  | { readonly kind: "close"; readonly code: number };

/** A frame of a message. */
export function messageFrame(payload: string | Uint8Array): Uint8Array {
  return typeof payload === "string" ? build(TEXT, Buffer.from(payload)) : build(BINARY, payload);
}

/** A frame that says goodbye. */
export function closeFrame(code: number): Uint8Array {
  return build(CLOSE, Uint8Array.of(code >> 8, code & 0xff));
}

function build(opcode: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const header =
    length < 126
      ? [FIN | opcode, length]
      : length < 65_536
        ? [FIN | opcode, 126, length >> 8, length & 0xff]
        : [FIN | opcode, 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff];
  const bytes = new Uint8Array(header.length + length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

/** Puts chunks together to frames. What is not whole when the stream ends is never seen. */
export class FrameReader {
  #held: Uint8Array = new Uint8Array(0);

  /** The frames that are whole now. */
  *take(chunk: Uint8Array): Generator<StreamFrame> {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #next(): StreamFrame | undefined {
    const held = this.#held;
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    if (held.length < 2) return undefined;
    const short = view.getUint8(1);
    const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (held.length < headerLength) return undefined;
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if (held.length < headerLength + length) return undefined;
    const payload = held.subarray(headerLength, headerLength + length);
    this.#held = held.subarray(headerLength + length);
    const opcode = view.getUint8(0) & 0x0f;
    if (opcode === CLOSE) return { kind: "close", code: ((payload[0] ?? 0) << 8) | (payload[1] ?? 0) };
    return { kind: "message", binary: opcode === BINARY, payload };
  }
}
