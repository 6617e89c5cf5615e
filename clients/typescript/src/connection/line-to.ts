// Makes the line of a transport.
import type { Codec } from "@tidemark/protocol";
import type { Transport } from "../api/tide.js";
import type { Platform } from "../platform/platform.js";
import { HttpLine } from "./http-line.js";
import type { Line, LineListener, RequestSource } from "./line.js";
import { SocketLine } from "./socket-line.js";

/** Where it leads, and what it carries. */
export interface LineParts {
  readonly platform: Platform;
  /** Of a socket; requests are JSON. */
  readonly codec: Codec;
  /** Of the socket. */
  readonly url: URL;
  readonly source: RequestSource;
}

export function lineTo(
  transport: Transport,
  { platform, codec, url, source }: LineParts,
  listener: LineListener,
): Line {
  if (transport === "websocket") return new SocketLine({ platform, codec, url, listener });
  return new HttpLine({ platform, url, manner: transport, source, listener });
}
