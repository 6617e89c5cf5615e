// Identifiers made from the injected clock and randomness, so that a simulation repeats them.
import type { Runtime } from "./runtime.js";

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

/** A UUIDv7 (RFC 9562): 48 bits of wall clock in ms, 74 random bits. */
export function uuidV7(runtime: Runtime): string {
  const bytes = Buffer.from(runtime.randomBytes(16));
  bytes.writeUIntBE(runtime.now(), 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const text = hex(bytes);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

/** `bytes` random bytes as lower-case hex. */
export const randomHex = (runtime: Runtime, bytes: number): string => hex(runtime.randomBytes(bytes));
