// The HTTP API under /v1: what a request passes before and after its route. Each route says in a few lines what it asks
// of documents; what that means is decided behind the Documents port, and nothing leaves but its answers (R2).
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Documents } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Identified, IdentityCheck } from "../session/identity.js";
import type { OriginRules } from "../session/origins.js";
import { Admission } from "./admission.js";
import { Senders } from "./authentication.js";
import { addBatchRoute } from "./batch-route.js";
import { addCallsRoute } from "./calls-route.js";
import { addChannelRoutes } from "./channel-routes.js";
import { admitOrigin, answerPreflight } from "./cross-origin.js";
import { Exchange } from "./exchange.js";
import { addFollowRoutes } from "./follow-routes.js";
import { InFlight } from "./in-flight.js";
import { bodyRefusal, takeJsonOnly } from "./json-body.js";
import { addMessageRoutes } from "./message-routes.js";
import { wholeNumber } from "./parameters.js";
import { sendFailure, sendUnmet, unmetOf } from "./problem.js";
import { addReadRoutes } from "./read-routes.js";
import { addReaderRoutes } from "./reader-routes.js";
import { header, PREFIX, type Routes } from "./routes.js";
import type { Sessions } from "./sessions.js";
import { addTokenRoutes, type TokenRoom } from "./token-routes.js";

/** What the API is made of. */
export interface HttpApiParts extends OriginRules {
  readonly runtime: Runtime;
  readonly identify: IdentityCheck;
  /** Connect tokens and revocations; undefined: there is no way to ask for them. */
  readonly tokens?: TokenRoom;
  /** Undefined: the server is starting or stopping. */
  readonly documents: () => Documents | undefined;
  /** Undefined at the same times. */
  readonly sessions: () => Sessions | undefined;
  /** Calls a second of one principal; 0: any number. */
  readonly callsPerSecond: number;
}

const DEADLINE_MS = { min: 1, max: LIMITS.deadlineMs };
const AFTER_MS = 1_000;

/** The API of one server. */
export class HttpApi {
  readonly #parts: HttpApiParts;
  readonly #senders: Senders;
  readonly #admission: Admission;
  readonly #inFlight: InFlight;

  constructor(parts: HttpApiParts) {
    this.#parts = parts;
    this.#senders = new Senders(parts.identify, (ticket, doc) => this.#byTicket(ticket, doc), parts);
    this.#admission = new Admission(parts);
    this.#inFlight = new InFlight(parts.runtime);
  }

  /** Adds its routes to an app. */
  addTo(app: FastifyInstance): void {
    app.register(
      (scope, _options, done) => {
        takeJsonOnly(scope);
        scope.addHook("onRequest", (request, reply) => this.#admit(request, reply));
        scope.addHook("onSend", async (_request, reply) => this.#sayGoodbye(reply));
        scope.setErrorHandler<FastifyError | TidemarkError>(refuse);
        scope.options("/*", (_request, reply) => answerPreflight(reply));
        const { runtime } = this.#parts;
        const routes = { scope, runtime, identifyAgain: this.#identifyAgain, handler: this.#handler };
        addMessageRoutes(routes);
        addReadRoutes(routes, this.#parts.sessions);
        addReaderRoutes(routes, this.#parts.sessions);
        addBatchRoute(routes);
        addChannelRoutes(routes);
        if (this.#parts.tokens !== undefined) addTokenRoutes(routes, this.#parts.tokens);
        addCallsRoute(routes);
        addFollowRoutes(routes, this.#parts.sessions);
        done();
      },
      { prefix: PREFIX },
    );
  }

  /** Something was withdrawn: whoever rests on it waits no more. */
  review(isOver: (identity: Identified) => boolean): void {
    this.#inFlight.review(isOver);
  }

  /** Ends all waiting, and resolves when everybody has been answered. */
  drain(): Promise<void> {
    return this.#inFlight.drain();
  }

  /** Before a byte of a body is read. */
  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    reply.header("Cache-Control", "no-store");
    admitOrigin(request, reply, this.#parts);
    if (request.method === "OPTIONS") return answerPreflight(reply);
    this.#documents();
    const identity = await this.#senders.identify(request);
    const deadlineMs = wholeNumber("Deadline-Ms", header(request, "deadline-ms"), DEADLINE_MS) ?? LIMITS.deadlineMs;
    // Both may have changed while the sender was asked about.
    const documents = this.#documents();
    if (request.socket.destroyed) throw new TidemarkError("aborted");
    const { runtime } = this.#parts;
    const admitted = this.#admission.enter(identity, bodyBytesOf(request));
    const exchange = new Exchange({ documents, runtime, identity, deadlineMs });
    this.#inFlight.begin(request, reply, { exchange, admitted });
    return undefined;
  }

  #byTicket(ticket: string, doc: string): Identified | "revoked" | undefined {
    const { tickets, credentials } = this.#parts.tokens ?? {};
    const identity = tickets?.take(ticket, doc);
    return identity !== undefined && credentials?.isOver(identity) === true ? "revoked" : identity;
  }

  #documents(): Documents {
    const documents = this.#parts.documents();
    if (documents !== undefined) return documents;
    throw new TidemarkError("draining", { message: "The server is starting or stopping.", afterMs: AFTER_MS });
  }

  readonly #identifyAgain: Routes["identifyAgain"] = async ({ exchange, request }) =>
    exchange.refreshed(await this.#senders.identify(request));

  readonly #handler: Routes["handler"] = (handle) => async (request, reply) => {
    const answering = this.#inFlight.of(request);
    if (answering === undefined) throw new TidemarkError("aborted");
    return handle({ ...answering, request, reply });
  };

  /** Whoever asks a server that stops is to ask another next time. */
  #sayGoodbye(reply: FastifyReply): void {
    if (this.#parts.documents() === undefined) reply.header("Connection", "close");
  }
}

/** What a body may take of memory: as long as it says, or as long as it may be. */
function bodyBytesOf({ headers }: FastifyRequest): number {
  if (headers["transfer-encoding"] !== undefined) return LIMITS.inputBytesMax;
  return Math.min(Number(headers["content-length"] ?? 0), LIMITS.inputBytesMax);
}

function refuse(error: FastifyError | TidemarkError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // A long body that nobody wants is not read to its end; a short one costs less than another connection.
  if (request.body === undefined && bodyBytesOf(request) >= LIMITS.inputBytesMax) reply.header("Connection", "close");
  if (error instanceof TidemarkError) return sendFailure(reply, error);
  const refusal = bodyRefusal(error);
  return refusal === undefined ? sendFailure(reply, error) : sendUnmet(reply, unmetOf(refusal), error.statusCode);
}
