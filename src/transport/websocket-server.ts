// Upgrades HTTP requests to sockets: path, origin and subprotocol are settled before a socket exists.
import type { IncomingMessage, Server } from "node:http";
import { CODECS, type Codec, codecFor, LIMITS, SOCKET_PATH } from "@tidemark/protocol";
import { WebSocketServer } from "ws";
import type { Runtime } from "../runtime/runtime.js";
import { Session, type SessionParts } from "../session/session.js";
import { connect, type TcpSocket, WebSocketWire } from "./connection.js";

/** What the socket server needs. */
export interface SocketServerParts extends SessionParts {
  readonly runtime: Runtime;
  /** Origins that pages may connect from besides the server's own; `*` allows any. */
  readonly origins: readonly string[];
  /** Whether pages may only come by a name of this machine. With tokens that anybody here may make up, a page of another
   * site whose name was bent to point here must not get in. */
  readonly loopbackNamesOnly: boolean;
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
}

/** Accepts sockets on an HTTP server until closed. */
export class SocketServer {
  readonly #parts: SocketServerParts;
  readonly #sockets: WebSocketServer;

  constructor(http: Server, parts: SocketServerParts) {
    this.#parts = parts;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      // Above the protocol's own bound, so that a frame past it is answered in words (FRAME-3); one past this is not.
      maxPayload: 2 * LIMITS.frameBytesMax,
      // Our decoder checks it, and says so (FRAME-4).
      skipUTF8Validation: true,
      handleProtocols: (offered) => CODECS.find(({ subprotocol }) => offered.has(subprotocol))?.subprotocol ?? false,
    });
    http.on("upgrade", (request: IncomingMessage, tcp: TcpSocket, head: Buffer) => this.#upgrade(request, tcp, head));
  }

  /** Destroys what has not closed by itself. */
  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
  }

  #upgrade(request: IncomingMessage, tcp: TcpSocket, head: Buffer): void {
    tcp.on("error", () => tcp.destroy());
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return refuse(tcp, refusal);
    const codec = offeredCodec(request);
    if (codec === undefined)
      return refuse(tcp, `400 Bad Request: offer ${CODECS.map((one) => one.subprotocol).join(" or ")}`);
    this.#sockets.handleUpgrade(request, tcp, head, (socket) => {
      const later = (ms: number, run: () => void): void => void this.#parts.runtime.setTimer(ms, run);
      const session = new Session(this.#parts, new WebSocketWire({ socket, tcp, codec, later }));
      connect(socket, codec, session, this.#parts.onBug);
    });
  }

  #refusal(request: IncomingMessage): string | undefined {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path !== SOCKET_PATH) return `404 Not Found: sockets are at ${SOCKET_PATH}`;
    const { origin, host } = request.headers;
    if (origin === undefined || this.#parts.origins.includes(origin) || this.#parts.origins.includes("*"))
      return undefined;
    const bent = this.#parts.loopbackNamesOnly && !LOOPBACK_NAME.test(host ?? "");
    return hostOf(origin) === host && !bent ? undefined : "403 Forbidden: origin_refused";
  }
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

function offeredCodec(request: IncomingMessage): Codec | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.map(codecFor).find((codec) => codec !== undefined);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function refuse(tcp: TcpSocket, status: string): void {
  const [line = "", detail = ""] = status.split(": ", 2);
  tcp.end(
    `HTTP/1.1 ${line}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${detail.length}\r\n\r\n${detail}`,
  );
}
