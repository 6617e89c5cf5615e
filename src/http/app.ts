// The HTTP side of a server: health, readiness, an application's static files, and the API of its documents. It owns
// routes, their headers and how long a request may take; sockets are upgraded elsewhere.
import { LIMITS, SOCKET_PATH } from "@tidemark/protocol";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { ResolvedType } from "../document/definition/resolved-type.js";
import { TrustedProxies } from "../session/proxies.js";
import { addApiDocs } from "./api-docs.js";
import type { Certificate } from "./certificate.js";
import { nodeServer } from "./http-server.js";
import { sendFailure, sendProblem } from "./problem.js";
import { setSecurityHeaders } from "./security-headers.js";
import { serveFolder } from "./static-files.js";

/** What the HTTP app serves. */
export interface HttpParts {
  /** A folder of static files to serve at `/`; undefined: none. */
  readonly staticDir: string | undefined;
  /** Whether the server may be sent work. */
  readonly ready: () => boolean;
  /** The API of documents; undefined: none. */
  readonly api?: { addTo(app: FastifyInstance): void };
  /** Who is believed about how a page's browser calls this server. */
  readonly proxies?: TrustedProxies;
  /** What is shown to whoever comes by TLS; undefined: all come in the clear. */
  readonly certificate?: Certificate | undefined;
  /** What its description is made of; undefined: it is not described. */
  readonly describedTypes?: ReadonlyMap<string, ResolvedType> | undefined;
}

const RETRY_AFTER_SECONDS = 1;

/** Builds the app; nothing listens yet. Throws OperatorError `app_invalid` when there is no such folder. */
export async function httpApp(parts: HttpParts): Promise<FastifyInstance> {
  const { staticDir, ready, api, proxies = new TrustedProxies(), certificate, describedTypes } = parts;
  const secure = (request: FastifyRequest, reply: FastifyReply): void =>
    setSecurityHeaders(proxies.wayOf(request.raw), reply);
  const app = fastify({
    serverFactory: (handler) => nodeServer(handler, certificate),
    bodyLimit: LIMITS.inputBytesMax,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: LIMITS.targetLengthMax },
    // What is no address at all passes no hook.
    frameworkErrors(error, request, reply) {
      secure(request, reply);
      sendFailure(reply, error);
    },
  });
  app.addHook("onRequest", async (request, reply) => secure(request, reply));
  // What is taken by no route has no body that is waited for.
  app.addHook("onRequest", async ({ method, is404 }, reply) =>
    is404 && method !== "GET" && method !== "HEAD" ? refuseMethod(reply) : undefined,
  );
  app.setErrorHandler<{ statusCode?: number }>((error, _request, reply) => sendFailure(reply, error));
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, "There is nothing at this address."));
  addHealth(app, ready);
  api?.addTo(app);
  if (describedTypes !== undefined) addApiDocs(app, describedTypes);
  if (staticDir !== undefined) await serveFolder(app, staticDir);
  return app;
}

function addHealth(app: FastifyInstance, ready: () => boolean): void {
  app.get("/healthz", (_request, reply) => sayState(reply, "ok"));
  app.get("/readyz", (_request, reply) => (ready() ? sayState(reply, "ready") : notReady(reply)));
  // An upgrade that nobody has taken comes here: the store is not open yet, or the client did not ask for a socket.
  app.get(SOCKET_PATH, (_request, reply) =>
    ready()
      ? sendProblem(reply.headers({ Upgrade: "websocket" }), 426, "This is the address of the WebSocket.")
      : notReady(reply),
  );
}

function sayState(reply: FastifyReply, text: string): FastifyReply {
  return reply.header("Cache-Control", "no-store").type("text/plain; charset=utf-8").send(`${text}\n`);
}

function notReady(reply: FastifyReply): FastifyReply {
  return sendProblem(reply.header("Retry-After", RETRY_AFTER_SECONDS), 503, "The server is starting or stopping.");
}

function refuseMethod(reply: FastifyReply): FastifyReply {
  const headers = { Allow: "GET, HEAD", Connection: "close" };
  return sendProblem(reply.headers(headers), 405, "This method is not answered here.");
}
