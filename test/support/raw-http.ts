// A connection that sends HTTP byte by byte, right or wrong, and keeps what comes back. It knows nothing of the server.
import { connect, type Socket } from "node:net";

/** What came back first. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A connection. */
export class RawHttp {
  /** All bytes that came, once the other side has closed. */
  readonly closed: Promise<string>;
  readonly #socket: Socket;
  #received = "";
  #isClosed = false;
  #heard: () => void = () => undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    // What the other side resets was answered before, or not; `received` shows.
    this.#socket.on("error", () => undefined);
    this.#socket.setEncoding("latin1").on("data", (text: string) => {
      this.#received += text;
      this.#heard();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#isClosed = true;
        this.#heard();
        resolve(this.#received);
      });
    });
  }

  get received(): string {
    return this.#received;
  }

  /** Sends bytes; resolves when the system has taken them. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => void this.#socket.write(bytes, () => resolve()));
  }

  /** Takes nothing more of what comes. */
  pause(): void {
    this.#socket.pause();
  }

  /** The first answer, when its head and as much of a body as it announces have come. */
  async answer(): Promise<RawAnswer> {
    for (;;) {
      const answer = this.#whole();
      if (answer !== undefined) return answer;
      if (this.#isClosed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #whole(): RawAnswer | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.#received.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const body = this.#received.slice(end + 4, end + 4 + length);
    if (body.length < length) return undefined;
    return { status: Number(head.split(" ", 2)[1]), head, body };
  }
}
