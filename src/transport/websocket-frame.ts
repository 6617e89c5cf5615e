// The form of WebSocket frames (RFC 6455, section 5.2), and the frames a server writes: unmasked, unfragmented,
// uncompressed. Built here so that the bytes of one delta are built once for all sockets.
import type { Piece } from "@tidemark/protocol";
import type { OutgoingFrame } from "../session/wire.js";

/** The opcodes in use; `mask` is where they are in the first byte. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10, mask: 0x0f } as const;
/** In the first byte: the last fragment. */
export const FIN = 0x80;
/** In the first byte: bits of extensions, of which there are none here. */
export const RESERVED = 0x70;
/** In the second byte. */
export const MASKED = 0x80;
/** The payload of a control frame. */
export const CONTROL_BYTES_MAX = 125;
/** The close codes of a broken frame and of a message past every bound. */
export const BAD_FRAME = 1002;
export const TOO_BIG = 1009;

/** Whether a close frame may carry this code (section 7.4 and the registry it founded). */
export const isCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999);

/** The bytes of a frame on the wire; made once, then shared. */
export function wireBytes(frame: OutgoingFrame): Uint8Array {
  frame.wire ??= payloadFrame(frame.codec.join(frame.pieces), frame.codec.binary);
  return frame.wire;
}

/** One data frame. */
export function payloadFrame(payload: Piece, binary: boolean): Buffer {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerLength + length);
  bytes[0] = FIN | (binary ? OPCODE.binary : OPCODE.text);
  writeLength(bytes, length, headerLength);
  if (typeof payload === "string") bytes.write(payload, headerLength, "utf8");
  else bytes.set(payload, headerLength);
  return bytes;
}

/**
 * A text frame as text, to be written as latin1; undefined for text that is long or not ASCII. Such a write needs no
 * buffer: the characters go from the string to the kernel.
 */
export function asciiFrame(text: string): string | undefined {
  const { length } = text;
  if (length >= 65_536 || !isAscii(text)) return undefined;
  if (length < 126) return `\x81${String.fromCharCode(length)}${text}`;
  return `\x81\x7e${String.fromCharCode(length >>> 8, length & 0xff)}${text}`;
}

/** Asking native code pays for what is longer than nearly every answer is. */
const LOOKED_AT_MAX = 64;

function isAscii(text: string): boolean {
  if (text.length > LOOKED_AT_MAX) return Buffer.byteLength(text) === text.length;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** A close frame, with a code or empty. The reason is ASCII, and short. */
export function closeFrame(code: number | undefined, reason: string): Buffer {
  if (code === undefined) return Buffer.from([FIN | OPCODE.close, 0]);
  const head = [FIN | OPCODE.close, 2 + reason.length, code >>> 8, code & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.from(reason, "latin1")]);
}

/** The answer to a ping. */
export const pongFrame = (payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([FIN | OPCODE.pong, payload.length]), payload]);

function writeLength(bytes: Buffer, length: number, headerLength: number): void {
  if (headerLength === 2) {
    bytes[1] = length;
  } else if (headerLength === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
}
