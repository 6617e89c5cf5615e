// A line over one WebSocket: messages of a tick leave as one frame.
import { type ClientMessage, type Codec, LIMITS, type Welcome } from "@tidemark/protocol";
import type { Platform, Socket } from "../platform/platform.js";
import type { Line, LineListener } from "./line.js";
import { Outbox } from "./outbox.js";

interface SocketLineOptions {
  readonly platform: Platform;
  readonly codec: Codec;
  readonly url: URL;
  readonly listener: LineListener;
}

export class SocketLine implements Line {
  readonly codec: Codec;
  readonly askedMs = undefined;
  readonly isIdle = true;
  readonly #outbox: Outbox;
  readonly #socket: Socket;

  constructor({ platform, codec, url, listener }: SocketLineOptions) {
    this.codec = codec;
    this.#outbox = new Outbox({ platform, codec, write: (frame) => this.#socket.send(frame) });
    this.#socket = platform.openSocket(url.href, codec.subprotocol, {
      opened: () => listener.opened(),
      message: (frame) => listener.frame(frame),
      closed: (code) => listener.closed(code),
    });
  }

  push(message: ClientMessage): boolean {
    return this.#outbox.push(message);
  }

  flush(): void {
    this.#outbox.flush();
  }

  welcomed({ limits }: Welcome): void {
    this.#outbox.frameBytesMax = limits.frameBytesMax ?? LIMITS.frameBytesMax;
  }

  close(code: number): void {
    this.#outbox.clear();
    this.#socket.close(code);
  }
}
