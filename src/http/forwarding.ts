// Passes requests on to a server as they came, and its answers back. What goes on says by which way it came, so that nobody
// is taken for this machine; what origin may ask was decided here.
import type { IncomingHttpHeaders } from "node:http";
import replyFrom from "@fastify/reply-from";
import { TidemarkError } from "@tidemark/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { TrustedProxies } from "../session/proxies.js";
import { sendUnmet, type Unmet } from "./problem.js";
import { PREFIX } from "./routes.js";

/** Where to, and who is believed about where requests are from. */
export interface ForwardingParts {
  /** `http:`, `https:`, or `unix+http:` with the path of a socket as its host. */
  readonly server: string;
  readonly proxies: TrustedProxies;
  /** Whether which pages may come is for the server to say; else it was decided here. */
  readonly passesOrigins?: boolean;
}

/** Longer than anybody may wait for an answer. */
const ANSWER_WITHIN_MS = 65_000;
const AFTER_MS = 1_000;
const NOT_REACHED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** The way to one server. */
export class Forwarding {
  readonly #parts: ForwardingParts;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
  }

  /** Makes a scope one whose requests can be passed on. */
  prepare(scope: FastifyInstance): void {
    const undici = { headersTimeout: ANSWER_WITHIN_MS, bodyTimeout: ANSWER_WITHIN_MS };
    scope.register(replyFrom, { base: this.#parts.server, undici, disableCache: true });
  }

  /** Passes on all that is not answered otherwise in a scope. */
  addTo(scope: FastifyInstance, methods: readonly HTTPMethods[] = ["GET", "POST", "DELETE"]): void {
    scope.removeAllContentTypeParsers();
    // A body goes through as it comes; how long it may be is for the server to say.
    scope.addContentTypeParser("*", (_request, body, done) => done(null, body));
    const handler = (request: FastifyRequest, reply: FastifyReply): FastifyReply => this.pass(request, reply);
    scope.route({ method: [...methods], url: "/*", handler });
  }

  pass(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return reply.from(request.url, {
      rewriteRequestHeaders: (_raw, headers) => ({ ...this.#ownHeaders(headers), ...this.headersOf(request) }),
      onError: (_reply, { error }) => void sendUnmet(reply, refusalOf(request, error)),
    });
  }

  #ownHeaders({ origin, forwarded: _, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
    return origin === undefined || this.#parts.passesOrigins !== true ? headers : { ...headers, origin };
  }

  /** Whether the server knows a token that a request has. Rejects with TidemarkError. */
  async check(token: string, request: FastifyRequest): Promise<void> {
    const headers = { ...this.headersOf(request), authorization: `Bearer ${token}` };
    const answer = await fetch(new URL(`${PREFIX}/whoami`, this.#parts.server), { headers }).catch(() => undefined);
    if (answer?.ok === true) return;
    if (answer?.status === 401) throw new TidemarkError("unauthenticated");
    throw new TidemarkError("draining", { afterMs: AFTER_MS });
  }

  /** What a request says of itself when it is passed on. */
  headersOf({ raw }: FastifyRequest): Record<string, string> {
    const { address, host, secure } = this.#parts.proxies.wayOf(raw);
    return {
      "x-forwarded-for": address ?? "unknown",
      "x-forwarded-proto": secure === true ? "https" : "http",
      ...(host === undefined ? {} : { "x-forwarded-host": host }),
    };
  }
}

/** A message that was on its way may have been applied. */
function refusalOf({ method }: FastifyRequest, error: Error): Unmet {
  const isNotReached = [error, error.cause].some(
    (each) => each instanceof Error && "code" in each && NOT_REACHED.has(each.code),
  );
  if (isNotReached || method === "GET" || method === "HEAD") return { kind: "no", code: "draining", afterMs: AFTER_MS };
  return { kind: "unknown", code: "commit_unknown", afterMs: AFTER_MS };
}
