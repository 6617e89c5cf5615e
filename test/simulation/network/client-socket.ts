// A client's end of a connection: frames to bytes, bytes to frames, and the ends of a WebSocket as a browser reports
// them. It follows the product's Socket: it reports a close once, and nothing after it.
import type { Socket, SocketListener } from "../../../clients/typescript/src/platform/platform.js";
import { closeFrame, FrameReader, messageFrame } from "./frames.js";
import type { Link } from "./link.js";
import type { PipeEnd } from "./pipe.js";

const ABNORMAL = 1006;

/** One WebSocket of a client. */
export class ClientSocket implements Socket, PipeEnd {
  readonly #listener: SocketListener;
  readonly #gone: (link: Link) => void;
  readonly #reader = new FrameReader();
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";
  #link: Link | undefined;

  constructor(listener: SocketListener, gone: (link: Link) => void) {
    this.#listener = listener;
    this.#gone = gone;
  }

  get isClosed(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** The connection it was given; undefined while there is none. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** False: nobody wants the connection any more. */
  takes(link: Link): boolean {
    if (this.isClosed) return false;
    this.#link = link;
    return true;
  }

  send(frame: string | Uint8Array): void {
    if (this.#state !== "open") return;
    this.#link?.up.write(messageFrame(frame));
    this.#link?.provoke(() => this.lost());
  }

  close(code: number): void {
    if (this.isClosed) return;
    const wasOpen = this.#state === "open";
    // Whatever the server still says before it has heard of this arrives as ever.
    this.#state = wasOpen ? "closing" : "closed";
    if (wasOpen) this.#link?.up.write(closeFrame(code));
    this.#link?.up.finish();
    this.#link?.provoke(() => this.lost());
  }

  // ------------------------------------------------------------------------------------------------ from the network

  opened(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#listener.opened();
  }

  /** The machine gives it up: the server hears nothing of that, but what was sent before may still arrive. */
  abandoned(): void {
    this.#link?.down.drop();
    this.#end(ABNORMAL, false);
  }

  /** The connection is gone without a word of the server's. */
  lost(): void {
    this.#end(ABNORMAL);
  }

  bytes(chunk: Uint8Array): void {
    for (const frame of this.#reader.take(chunk)) {
      if (this.#state !== "open" && this.#state !== "closing") return;
      if (frame.kind === "close") {
        this.#link?.up.write(closeFrame(frame.code));
        this.#end(frame.code);
        return;
      }
      this.#listener.message(frame.binary ? frame.payload : Buffer.from(frame.payload).toString("utf8"));
    }
  }

  ended(): void {
    this.#end(ABNORMAL);
  }

  #end(code: number, isHeard = true): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (isHeard) this.#link?.up.finish();
    if (this.#link !== undefined) this.#gone(this.#link);
    this.#listener.closed(code);
  }
}
