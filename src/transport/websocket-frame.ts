// Writes server frames of the WebSocket protocol (RFC 6455, section 5.2): unmasked, unfragmented, uncompressed. Built
// here and not by the library so that the bytes of one delta are built once for all sockets.
import type { Piece } from "@tidemark/protocol";
import type { OutgoingFrame } from "../session/wire.js";

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;

/** The bytes of a frame on the wire; made once, then shared. */
export function wireBytes(frame: OutgoingFrame): Uint8Array {
  frame.wire ??= build(frame.codec.join(frame.pieces), frame.codec.binary);
  return frame.wire;
}

function build(payload: Piece, binary: boolean): Uint8Array {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafe(headerLength + length);
  bytes[0] = binary ? FIN_BINARY : FIN_TEXT;
  writeLength(bytes, length, headerLength);
  if (typeof payload === "string") bytes.write(payload, headerLength, "utf8");
  else bytes.set(payload, headerLength);
  return bytes;
}

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
