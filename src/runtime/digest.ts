// Hashes. Deterministic, so any room may use them.
import { hash } from "node:crypto";

/** The first 16 bytes of SHA-256 over UTF-8 text. */
export const digest16 = (text: string): Uint8Array =>
  Buffer.from(hash("sha256", text, "base64"), "base64").subarray(0, 16);

/** SHA-1 over ASCII text, as base64: what the WebSocket handshake asks for, and good for nothing else. */
export const sha1Base64 = (text: string): string => hash("sha1", text, "base64");

/** SHA-256 over UTF-8 text. */
export const sha256 = (text: string): Uint8Array => Buffer.from(hash("sha256", text, "base64"), "base64");
