// What stands between clients and servers in other people's networks: an HTTP proxy that may eat upgrades, hold responses
// back until their end, or lose requests and answers. It understands HTTP and nothing of Tidemark but paths.
import { createServer, request as dial, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** What becomes of an upgrade. `refused`: as if it was never asked for. `mute`: it is answered, and nothing passes after. */
type Upgrades = "pass" | "refused" | "silent" | "mute";

/** A proxy that listens. */
export class Middlebox {
  upgrades: Upgrades = "pass";
  /** Responses come when they are over. */
  holdsBack = false;
  /** Which requests have fates. */
  fated = "/v1/calls";
  /** What becomes of the next of these, in order; then they pass. `lost`: the answer is. `late`: the request reaches
   * the server when `deliverLate` is called, long after its client was told that it failed. `busy`: the proxy itself sends its client away for a second. */
  readonly fates: ("pass" | "lost" | "late" | "busy")[] = [];
  /** Paths of all requests, upgrades included. */
  readonly seen: string[] = [];
  readonly #late: (() => Promise<string>)[] = [];
  readonly #server: Server;
  readonly #target: () => URL;
  readonly #sockets = new Set<Duplex>();

  private constructor(target: () => URL) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#pass(request, response));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
    });
  }

  /** Listens on a free port and forwards to `target`, which is asked each time. */
  static async listen(target: () => string): Promise<Middlebox> {
    const box = new Middlebox(() => new URL(target()));
    await new Promise<void>((resolve) => box.#server.listen(0, "127.0.0.1", resolve));
    return box;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  /** Resolves once so many requests for a path have come. */
  async passed(path: string, count: number): Promise<void> {
    while (this.seen.filter((one) => one === path).length < count)
      await new Promise<void>((resolve) => this.#server.once("request", () => setImmediate(resolve)));
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Delivers what is late; resolves with the answers that nobody waits for any more. */
  deliverLate(): Promise<readonly string[]> {
    return Promise.all(this.#late.splice(0).map((deliver) => deliver()));
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(request.url ?? "");
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk);
    const fate = request.url === this.fated ? (this.fates.shift() ?? "pass") : "pass";
    if (fate === "busy") return void response.writeHead(503, { "Retry-After": "1" }).end("<html>busy</html>");
    if (fate === "pass") return this.#forward(request, Buffer.concat(body), response);
    if (fate === "late") this.#late.push(() => this.#whole(request, Buffer.concat(body)));
    else await this.#whole(request, Buffer.concat(body));
    response.destroy();
  }

  #forward(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const outgoing = this.#dial(request);
    outgoing.on("response", (answer) => {
      const pass = (): void => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
      };
      if (this.holdsBack) {
        const held: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => held.push(chunk));
        answer.on("end", () => {
          pass();
          response.end(Buffer.concat(held));
        });
      } else {
        pass();
        answer.pipe(response);
      }
      answer.on("error", () => response.destroy());
    });
    outgoing.on("error", () => response.destroy());
    response.on("close", () => outgoing.destroy());
    outgoing.end(body);
  }

  #whole(request: IncomingMessage, body: Buffer): Promise<string> {
    return new Promise((resolve) => {
      const outgoing = this.#dial(request);
      outgoing.on("response", (answer) => {
        const text: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => text.push(chunk));
        answer.on("end", () => resolve(Buffer.concat(text).toString()));
      });
      outgoing.on("error", (error) => resolve(error.message));
      outgoing.end(body);
    });
  }

  #dial({ method, url, headers }: IncomingMessage): ReturnType<typeof dial> {
    const { hostname, port } = this.#target();
    return dial({ hostname, port, path: url, method, headers, agent: false });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.seen.push(request.url ?? "");
    socket.on("error", () => socket.destroy());
    if (this.upgrades === "silent") return;
    if (this.upgrades === "refused") return void socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    const outgoing = this.#dial(request);
    outgoing.on("upgrade", (answer, far: Duplex, farHead: Buffer) => {
      far.on("error", () => socket.destroy());
      socket.on("close", () => far.destroy());
      far.on("close", () => socket.destroy());
      const lines = answer.rawHeaders.flatMap((text, index, all) =>
        index % 2 === 0 ? [`${text}: ${all[index + 1] ?? ""}`] : [],
      );
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      if (this.upgrades === "mute") return;
      socket.write(farHead);
      far.write(head);
      far.pipe(socket);
      socket.pipe(far);
    });
    outgoing.on("error", () => socket.destroy());
    outgoing.on("response", () => socket.destroy());
    outgoing.end();
  }
}
