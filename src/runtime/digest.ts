// Hashes. Deterministic, so any room may use them.
import { hash } from "node:crypto";

/** The first 16 bytes of SHA-256 over UTF-8 text. */
export const digest16 = (text: string): Uint8Array =>
  Buffer.from(hash("sha256", text, "base64"), "base64").subarray(0, 16);
