// A TCP proxy on loopback between clients and a server, which can cut its connections and keep new ones out. What a
// cut leaves half-sent is lost, as on a real network.
import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** A proxy that listens. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Socket>();
  #held = false;
  #cuts = 0;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer((inner) => this.#accept(inner));
  }

  /** Listens on a free port and forwards to `target`. */
  static async listen(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** `http://127.0.0.1:port` of the proxy. */
  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  /** How many connections were cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Resets every connection. */
  cut(): number {
    const open = this.#pairs.size;
    for (const socket of this.#pairs) socket.resetAndDestroy();
    this.#cuts += open;
    return open;
  }

  /** Resets every connection and refuses new ones until `release`. */
  hold(): void {
    this.#held = true;
    this.cut();
  }

  release(): void {
    this.#held = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(inner: Socket): void {
    if (this.#held) return void inner.resetAndDestroy();
    const outer = dial(this.#target, "127.0.0.1");
    this.#pairs.add(inner);
    for (const socket of [inner, outer]) {
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#pairs.delete(inner);
        inner.destroy();
        outer.destroy();
      });
    }
    inner.pipe(outer);
    outer.pipe(inner);
  }
}
