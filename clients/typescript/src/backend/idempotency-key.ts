// The key under which a request is sent, and sent again. It says when it was made, so that a copy that comes too late is
// told from a new request.
import type { BackendPlatform } from "../platform/request.js";

/** A UUIDv7 (RFC 9562, 5.7): 48 bits of wall clock in ms, 74 random bits. */
export function idempotencyKey(platform: Pick<BackendPlatform, "now" | "randomBytes">): string {
  const made = Math.floor(platform.now()).toString(16).padStart(12, "0").slice(-12);
  const [first = 0, second = 0, third = 0, ...rest] = platform.randomBytes(10);
  const random = hex([0x70 | (first & 0x0f), second, 0x80 | (third & 0x3f), ...rest]);
  return `${made.slice(0, 8)}-${made.slice(8)}-${random.slice(0, 4)}-${random.slice(4, 8)}-${random.slice(8)}`;
}

const hex = (bytes: readonly number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
