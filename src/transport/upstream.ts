// A socket to another server of ours, as its client: what an edge passes on comes by it.
import { CODECS, LIMITS, SOCKET_PATH } from "@tidemark/protocol";
import { type RawData, WebSocket } from "ws";

/** What happens on it. */
export interface UpstreamListener {
  opened(): void;
  /** A frame, in JSON. */
  heard(text: string): void;
  /** It is over, or was never opened, or was refused with this HTTP status. */
  closed(code: number, status: number | undefined): void;
}

/** The socket. */
export interface Upstream {
  send(text: string): void;
  /** Takes nothing more of what comes until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Where it leads, and what it says of whom it is for. */
export interface UpstreamTarget {
  /** `http:` or `https:`. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
}

const GOING_AWAY = 1_001;
/** A state in one frame, at most. */
const FRAME_BYTES_MAX = 2 * LIMITS.stateBytesCeiling;

/** Opens one. */
export function openUpstream({ server, headers }: UpstreamTarget, listener: UpstreamListener): Upstream {
  const url = new URL(SOCKET_PATH, server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const json = CODECS.find(({ name }) => name === "json")?.subprotocol ?? "";
  const socket = new WebSocket(url, json, {
    headers,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
    handshakeTimeout: LIMITS.helloTimeoutMs,
  });
  let status: number | undefined;
  socket.on("unexpected-response", (request, response) => {
    status = response.statusCode;
    request.destroy();
    response.destroy();
    listener.closed(0, status);
  });
  socket.on("open", () => listener.opened());
  socket.on("message", (frame: RawData) => listener.heard(String(frame)));
  // An error is always followed by a close.
  socket.on("error", () => undefined);
  socket.on("close", (code) => listener.closed(code, status));
  return {
    send: (text) => socket.send(text),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => (socket.readyState === WebSocket.CONNECTING ? socket.terminate() : socket.close(GOING_AWAY)),
  };
}
