// Whether a server takes connections, while those that it has go on: several processes share a port, and one that has more than
// its share leaves new ones to the others.

import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import { LIMITS } from "@tidemark/protocol";
import { portFailure } from "./port-failure.js";

/** The door of one server. */
export class Door {
  readonly #server: Server;
  readonly #at: { readonly host: string; readonly port: number };

  constructor(server: Server, at: { readonly host: string; readonly port: number }) {
    this.#server = server;
    this.#at = at;
  }

  /** Takes connections from now on. Rejects with OperatorError `port_in_use`. */
  async open(): Promise<void> {
    if (this.#server.listening) return;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(error);
      this.#server.once("error", failed);
      this.#server.listen({ ...this.#at, backlog: LIMITS.acceptBacklog }, () => {
        this.#server.off("error", failed);
        resolve();
      });
    }).catch((error: unknown) => {
      throw portFailure(error, this.#at);
    });
  }

  /** Takes none. Those that are open stay so, which an HTTP server's own way of closing would not grant. */
  close(): void {
    if (this.#server.listening) NetServer.prototype.close.call(this.#server);
  }
}
