// What an edge answers under /v1: readers are followed at the server, each by a way of its own; everything else is passed on
// as it came. It knows nobody and no document.
import { type Hello, LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Runtime } from "../runtime/runtime.js";
import type { OriginRules } from "../session/origins.js";
import type { Wire } from "../session/wire.js";
import { bearerOf } from "./authentication.js";
import { admitOrigin, answerPreflight } from "./cross-origin.js";
import type { EdgeTickets } from "./edge-tickets.js";
import type { Cut } from "./exchange.js";
import { addFollowRoutes } from "./follow-routes.js";
import type { Forwarding } from "./forwarding.js";
import { bodyRefusal, takeJsonOnly } from "./json-body.js";
import { isGiven } from "./parameters.js";
import { sendFailure } from "./problem.js";
import { addReaderRoutes, poll } from "./reader-routes.js";
import { bodyOf, DOCUMENT, fieldsOf, PREFIX, STREAM, sendJson, TICKET } from "./routes.js";
import type { Following, Follows, Sessions } from "./sessions.js";

/** A request of a reader. */
export interface Reading extends Following {
  readonly token: string;
}

/** What an edge is made of. */
export interface EdgeParts {
  readonly runtime: Runtime;
  readonly rules: OriginRules;
  readonly forwarding: Forwarding;
  readonly tickets: EdgeTickets;
  /** False: this edge stops. */
  readonly isServing: () => boolean;
  readonly begin: (wire: Wire, hello: Hello, from: Reading) => Follows;
  readonly onBug: (error: unknown) => void;
}

const AFTER_MS = 1_000;

/** The API of one edge. */
export class EdgeApi {
  readonly #parts: EdgeParts;
  /** Those who follow or wait. */
  #readers = 0;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  /** Adds its routes to an app. */
  addTo(app: FastifyInstance): void {
    const { rules, runtime, forwarding } = this.#parts;
    app.register(
      (scope, _options, done) => {
        scope.addHook("onRequest", async (request, reply) => {
          reply.header("Cache-Control", "no-store");
          admitOrigin(request, reply, rules);
          return request.method === "OPTIONS" ? answerPreflight(reply) : undefined;
        });
        scope.setErrorHandler<FastifyError | TidemarkError>((error, _request, reply) =>
          sendFailure(reply, error instanceof TidemarkError ? error : (bodyRefusal(error) ?? error)),
        );
        forwarding.prepare(scope);
        scope.options("/*", (_request, reply) => answerPreflight(reply));
        scope.register((readers, _none, ready) => {
          takeJsonOnly(readers);
          const handler: Handler = (handle) => (request, reply) => this.#handle(handle, request, reply);
          const routes = { scope: readers, runtime, handler };
          addFollowRoutes(routes, this.#sessions);
          addReaderRoutes(routes, this.#sessions);
          readers.post("/tickets", (request, reply) => this.#makeTicket(request, reply));
          readers.get(DOCUMENT, (request, reply) =>
            isGiven(request.query, "after")
              ? this.#handle((visit) => this.#poll(visit), request, reply)
              : forwarding.pass(request, reply),
          );
          ready();
        });
        scope.register((rest, _none, ready) => {
          forwarding.addTo(rest);
          ready();
        });
        done();
      },
      { prefix: PREFIX },
    );
  }

  readonly #sessions = (): Sessions<Reading> | undefined => {
    const { isServing, begin, onBug } = this.#parts;
    if (!isServing()) return undefined;
    return { admits: () => this.#readers < LIMITS.edgeReadersMax, begin, onBug };
  };

  async #handle(
    handle: (visit: Reading) => Promise<unknown>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    this.#readers += 1;
    reply.raw.once("close", () => {
      this.#readers -= 1;
    });
    return handle({ request, reply, leave: () => undefined, token: this.#tokenOf(request) });
  }

  #poll(visit: Reading): Promise<FastifyReply> {
    const { runtime } = this.#parts;
    const { reply } = visit;
    const gone = new Promise<Cut>((resolve) => reply.raw.once("close", () => resolve("aborted")));
    const waitFor = (work: Promise<void>): Promise<Cut | undefined> => Promise.race([work.then(() => undefined), gone]);
    return poll(visit, { runtime, sessions: this.#sessions, waitFor, sendText: (text) => sendJson(reply, text) });
  }

  #tokenOf(request: FastifyRequest): string {
    const { [TICKET]: ticket } = request.query as { readonly [name: string]: unknown };
    const isStream = request.routeOptions.url === `${PREFIX}${STREAM}`;
    const token =
      isStream && typeof ticket === "string" ? this.#parts.tickets.take(ticket, request) : bearerOf(request);
    if (token === undefined) throw new TidemarkError("unauthenticated");
    return token;
  }

  async #makeTicket(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const token = bearerOf(request);
    if (token === undefined) throw new TidemarkError("unauthenticated");
    if (!this.#parts.isServing()) throw new TidemarkError("draining", { afterMs: AFTER_MS });
    const made = await this.#parts.tickets.make(token, fieldsOf(bodyOf({ request }), ""), request);
    return sendJson(reply.code(201), JSON.stringify(made));
  }
}

type Handler = (
  handle: (visit: Reading) => Promise<unknown>,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
