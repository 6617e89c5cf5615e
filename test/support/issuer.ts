// Somebody's server on this machine that a key set can be fetched from, and that behaves as a test wants: it answers, slowly
// or at length, or not at all; and it counts who asks.
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** An issuer. */
export class Issuer {
  /** What becomes of a request. */
  answer: RequestListener = (_request, response) => void response.writeHead(500).end();
  asked = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Issuer> {
    const server = createServer();
    const issuer = new Issuer(server);
    server.on("request", (request, response) => {
      issuer.asked += 1;
      issuer.answer(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return issuer;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/keys`;
  }

  /** Answers with these keys. */
  publish(...keys: readonly object[]): void {
    this.answer = (_request, response) => void response.end(JSON.stringify({ keys }));
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}
