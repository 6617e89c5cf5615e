// The opening handshake of a WebSocket (RFC 6455, section 4.2), once path, origin and codec are settled.
import type { IncomingMessage } from "node:http";
import { sha1Base64 } from "../runtime/digest.js";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** The version of the protocol under WebSocket; a refusal says it (section 4.4). */
export const WEBSOCKET_VERSION = "13";

/** Why an HTTP request is no handshake, as a status and a word on it; undefined: it is one. */
export function handshakeFault({ method, headers }: IncomingMessage): string | undefined {
  if (method !== "GET") return "405 Method Not Allowed: a handshake is a GET";
  if (headers.upgrade?.toLowerCase() !== "websocket") return "400 Bad Request: upgrade to websocket only";
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) return "400 Bad Request: no valid Sec-WebSocket-Key";
  if (headers["sec-websocket-version"] !== WEBSOCKET_VERSION) return "400 Bad Request: another Sec-WebSocket-Version";
  return undefined;
}

/** The answer to a handshake without a fault. */
export function handshakeAnswer({ headers }: IncomingMessage, subprotocol: string): string {
  const accept = sha1Base64(`${headers["sec-websocket-key"] ?? ""}${GUID}`);
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${subprotocol}`,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}
