// A socket to a server that says what it is told, byte by byte, and keeps every message that came. It knows the codecs and
// no rule of the protocol.
import { once } from "node:events";
import { type Codec, type Json, LIMITS, SOCKET_PATH } from "@tidemark/protocol";
import { WebSocket } from "ws";

/** A string goes as a text frame, bytes as a binary one. */
export type Frame = string | Uint8Array;

/** A socket that says what it is told. */
export class RawSocket {
  /** The close code. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #received: Json[] = [];
  readonly #opened: Promise<unknown>;
  #heard: () => void = () => undefined;

  constructor(url: string, codec: Codec) {
    this.#socket = new WebSocket(new URL(SOCKET_PATH, url.replace("http", "ws")), codec.subprotocol);
    this.#opened = once(this.#socket, "open");
    this.closed = once(this.#socket, "close").then(([code]) => Number(code));
    this.#socket.on("message", (bytes: Buffer) => {
      this.#received.push(...codec.decode(bytes, { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax }));
      this.#heard();
    });
  }

  async say(frames: readonly Frame[]): Promise<void> {
    await this.#opened;
    for (const frame of frames) this.#socket.send(frame);
  }

  /** As one text frame, whatever the bytes are. */
  async sayText(bytes: Frame): Promise<void> {
    await this.#opened;
    this.#socket.send(bytes, { binary: false });
  }

  /** Messages that start with this. */
  of(...start: readonly Json[]): Json[][] {
    const lists = this.#received.filter((message) => Array.isArray(message));
    return lists.filter((message) => start.every((part, index) => message[index] === part));
  }

  /** The first message that starts with this, when it has come. */
  async first(...start: readonly Json[]): Promise<Json[]> {
    for (;;) {
      const [message] = this.of(...start);
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}
