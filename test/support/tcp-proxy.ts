// A TCP proxy on loopback between clients and a server that does to connections what networks do: cuts them, keeps new
// ones out, delays bytes, swallows them in one direction or both, or forgets one side. What a cut leaves half-sent is lost.
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** From client to server, or back. */
export type Direction = "up" | "down";

/** A proxy that listens. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #held = false;
  #cuts = 0;
  #latencyMs = 0;
  readonly #swallowing = new Set<Direction>();
  #swallowed = 0;

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

  /** How many bytes were swallowed. */
  get swallowed(): number {
    return this.#swallowed;
  }

  /** Resets every connection. */
  cut(): number {
    const open = this.#pairs.size;
    for (const { inner, outer } of this.#pairs) for (const socket of [inner, outer]) socket.resetAndDestroy();
    this.#cuts += open;
    return open;
  }

  /** Resets every connection and refuses new ones until `release`. */
  hold(): void {
    this.#held = true;
    this.cut();
  }

  /** The server's side of every connection is gone, and no client hears of it. */
  forgetServer(): void {
    for (const { outer } of this.#pairs) outer.resetAndDestroy();
  }

  /** Bytes arrive so much later, in order. */
  delayBy(latencyMs: number): void {
    this.#latencyMs = latencyMs;
  }

  /** Bytes in these directions vanish until `release`; connections stay as they are, and new ones are as deaf. */
  swallow(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#swallowing.add(direction);
  }

  /** The network is as it should be. What was swallowed stays lost. */
  release(): void {
    this.#held = false;
    this.#latencyMs = 0;
    this.#swallowing.clear();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(inner: Socket): void {
    if (this.#held) return void inner.resetAndDestroy();
    const pair = { inner, outer: dial(this.#target, "127.0.0.1") };
    this.#pairs.add(pair);
    inner.setNoDelay(true).on("error", () => undefined);
    pair.outer.setNoDelay(true).on("error", () => undefined);
    inner.on("close", () => {
      this.#pairs.delete(pair);
      pair.outer.destroy();
    });
    // A server that ends a connection is heard; one that was forgotten is not.
    pair.outer.on("end", () => inner.end());
    void this.#carry("up", inner, pair.outer);
    void this.#carry("down", pair.outer, inner);
  }

  async #carry(direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from) {
        if (this.#latencyMs > 0) await delay(this.#latencyMs);
        if (this.#swallowing.has(direction)) this.#swallowed += chunk.length;
        else if (to.writable && !to.write(chunk))
          await new Promise((resolve) => to.once("drain", resolve).once("close", resolve));
      }
      if (direction === "up") to.end();
    } catch {
      // The connection is gone; whose side it was has been said by its close.
    }
  }
}

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
}
