// Passes on to the owner of an edge whatever is no socket, as it came.
import type { FastifyInstance } from "fastify";
import type { Forwarding } from "./forwarding.js";

/** The routes of an edge that holds sockets. */
export class PassingOn {
  readonly #forwarding: Forwarding;

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding;
  }

  /** Adds them to an app. */
  addTo(app: FastifyInstance): void {
    app.register((scope, _options, done) => {
      this.#forwarding.prepare(scope);
      this.#forwarding.addTo(scope, ["GET", "POST", "DELETE", "OPTIONS"]);
      done();
    });
  }
}
