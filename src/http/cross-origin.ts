// Cross-origin requests (the CORS protocol of the Fetch standard): the pages that may open a socket may call, with a
// token that they hold themselves; never with cookies.
import { TidemarkError } from "@tidemark/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { allowsOrigin, type OriginRules } from "../session/origins.js";

const ALLOWED = {
  "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE",
  "Access-Control-Allow-Headers":
    "Authorization, Content-Type, Deadline-Ms, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID",
  "Access-Control-Max-Age": "600",
};

/** Sets what a page may read of the answer. Throws TidemarkError `origin_refused`. */
export function admitOrigin({ raw }: FastifyRequest, reply: FastifyReply, rules: OriginRules): void {
  reply.header("Vary", "Origin");
  const { origin } = raw.headers;
  if (origin === undefined) return;
  if (!allowsOrigin(rules, raw)) throw new TidemarkError("origin_refused");
  reply.headers({
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Expose-Headers": "ETag, Location, Retry-After",
  });
}

/** Answers a page's browser that asks before it sends. */
export function answerPreflight(reply: FastifyReply): FastifyReply {
  return reply.code(204).headers(ALLOWED).send();
}
