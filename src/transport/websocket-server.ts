// Upgrades HTTP requests to sockets: path, origin and subprotocol are settled before a socket exists.
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { CODECS, type Codec, codecFor, SOCKET_PATH } from "@tidemark/protocol";
import type { TokenBucket } from "../runtime/token-bucket.js";
import { allowsOrigin, isFromHere, type OriginRules } from "../session/origins.js";
import type { Arrival } from "../session/proxies.js";
import { Session } from "../session/session.js";
import type { SessionParts } from "../session/session-parts.js";
import { type TcpSocket, WebSocketWire } from "./connection.js";
import { FrameReader } from "./frame-reader.js";
import { handshakeAnswer, handshakeFault, WEBSOCKET_VERSION } from "./handshake.js";
import { Incoming, type SocketHome } from "./incoming.js";
import { readWith, withSharedReads } from "./shared-reads.js";

/** What the socket server needs. */
export interface SocketServerParts extends SessionParts, OriginRules {
  /** How many upgrades are let in. */
  readonly admission: TokenBucket;
  /** Those who are here already are being refused: a connection more is the last thing to take on. */
  readonly isOverloaded?: () => boolean;
  /** Hears of errors that are bugs of this server. */
  readonly onBug: (error: unknown) => void;
}

/** Never none: those who were cut off must get back in time, however busy the others keep the server. */
const TOKENS_WHEN_OVERLOADED = 8;
/** Whoever is sent away is told to come back after 1 s to this. */
const COME_BACK_WITHIN_S = 5;

/** A request that may become a socket. */
interface Upgrade {
  readonly answer: string;
  /** What came right behind it. */
  readonly head: Buffer;
  readonly loopback: boolean;
}

/** Accepts sockets on an HTTP server until closed. */
export class SocketServer implements SocketHome {
  readonly #parts: SocketServerParts;
  readonly #wires = new Set<WebSocketWire>();
  #closed = false;
  #sentAway = 0;

  constructor(http: Server, parts: SocketServerParts) {
    this.#parts = parts;
    http.on("upgrade", (request: IncomingMessage, tcp: Socket, head: Buffer) => this.#upgrade(request, tcp, head));
  }

  /** How many were sent away since it was asked last. */
  takeSentAway(): number {
    const count = this.#sentAway;
    this.#sentAway = 0;
    return count;
  }

  /** Destroys what has not closed by itself. */
  close(): void {
    this.#closed = true;
    for (const wire of this.#wires) wire.destroy();
  }

  /** Whether one more may connect now, by whichever way; counts it. */
  admits(): boolean {
    const { admission, registry, isOverloaded } = this.#parts;
    if (this.#closed || registry.newcomers.isFull) return false;
    return admission.take(isOverloaded?.() === true ? TOKENS_WHEN_OVERLOADED : 1) === 0;
  }

  get onBug(): (error: unknown) => void {
    return this.#parts.onBug;
  }

  left(wire: WebSocketWire): void {
    this.#wires.delete(wire);
  }

  #upgrade(request: IncomingMessage, tcp: Socket, head: Buffer): void {
    tcp.on("error", destroyOnError);
    // A herd costs a look at the clock each, not a look at its headers.
    if (!this.admits()) return this.#sendAway(tcp);
    const arrival = { headers: request.headers, socket: tcp };
    const refusal = this.#refusal(request, arrival);
    if (refusal !== undefined) return refuse(tcp, refusal);
    const codec = offeredCodec(request);
    if (codec === undefined)
      return refuse(tcp, `400 Bad Request: offer ${CODECS.map((one) => one.subprotocol).join(" or ")}`);
    const fault = handshakeFault(request);
    if (fault !== undefined) return refuse(tcp, fault);
    const loopback = isFromHere(this.#parts, arrival);
    this.#serve(tcp, codec, { answer: handshakeAnswer(request, codec.subprotocol), head, loopback });
  }

  #serve(given: Socket, codec: Codec, { answer, head, loopback }: Upgrade): void {
    const { runtime } = this.#parts;
    const tcp = withSharedReads(given);
    tcp.on("error", destroyOnError);
    tcp.setTimeout(0);
    tcp.setNoDelay(true);
    tcp.write(answer, "latin1");
    const wire = new WebSocketWire({ tcp, codec, runtime, loopback });
    const session = new Session(this.#parts, wire);
    const reader = new FrameReader(new Incoming(session, wire, this));
    readWith(tcp, reader);
    this.#wires.add(wire);
    reader.read(head, head.length);
  }

  /** Those who are sent away together must not come back together. */
  #sendAway(tcp: Socket): void {
    this.#sentAway += 1;
    const seconds = 1 + Math.floor(this.#parts.runtime.random() * COME_BACK_WITHIN_S);
    const why = this.#closed ? "the server stops" : "too many connect at once";
    refuse(tcp, `503 Service Unavailable: ${why}`, [`Retry-After: ${seconds}`]);
  }

  #refusal(request: IncomingMessage, arrival: Arrival): string | undefined {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path !== SOCKET_PATH) return `404 Not Found: sockets are at ${SOCKET_PATH}`;
    return allowsOrigin(this.#parts, arrival) ? undefined : "403 Forbidden: origin_refused";
  }
}

function offeredCodec(request: IncomingMessage): Codec | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.map(codecFor).find((codec) => codec !== undefined);
}

/** The same function for all sockets, which is called on the socket. */
function destroyOnError(this: Socket): void {
  this.destroy();
}

function refuse(tcp: TcpSocket, status: string, headers: readonly string[] = []): void {
  const [line = "", detail = ""] = status.split(": ", 2);
  const lines = [
    `HTTP/1.1 ${line}`,
    "Connection: close",
    `Sec-WebSocket-Version: ${WEBSOCKET_VERSION}`,
    "Content-Type: text/plain",
    `Content-Length: ${detail.length}`,
    ...headers,
  ];
  tcp.end(`${lines.join("\r\n")}\r\n\r\n${detail}`);
}
