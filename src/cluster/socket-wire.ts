// The bytes of a link on a socket of Node's.
import type { Duplex } from "node:stream";
import type { Link, LinkWire } from "./link.js";

/** A wire on a socket. Its link is told what comes by `serve`. */
export class SocketWire implements LinkWire {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    this.#socket = socket;
    // What follows an error is a close.
    socket.on("error", () => socket.destroy());
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** What was written leaves first, if anybody takes it. */
  destroy(): void {
    this.#socket.end(() => this.#socket.destroy());
  }

  serve(link: Link): void {
    this.#socket.on("data", (chunk: Buffer) => link.receive(chunk));
    this.#socket.on("drain", () => link.wireDrained());
    this.#socket.on("close", () => link.wireClosed());
    this.#socket.on("end", () => link.wireClosed());
  }
}
