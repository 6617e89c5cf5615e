// What the files that hold routes share: how one is added, what it gets, how it reads addresses and answers with JSON.
// No route is declared here.
import { type Json, type JsonObject, TidemarkError } from "@tidemark/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DocumentName } from "../document/document-store.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Answered } from "./in-flight.js";
import { invalid } from "./parameters.js";

/** A request that was let in, and its reply. */
export interface Visit extends Answered {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What routes are added with. */
export interface Routes {
  readonly scope: FastifyInstance;
  readonly runtime: Runtime;
  /** Asks about the sender of a request that has waited again. Rejects with TidemarkError. */
  readonly identifyAgain: (visit: Visit) => Promise<void>;
  /** The handler of a route. What it throws as TidemarkError is its refusal. */
  handler(
    handle: (visit: Visit) => Promise<unknown>,
  ): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

/** What routes that follow documents are added with. */
export interface FollowRoutes<From> {
  readonly scope: FastifyInstance;
  readonly runtime: Runtime;
  handler(
    handle: (visit: From) => Promise<unknown>,
  ): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

/** What all addresses begin with. */
export const PREFIX = "/v1";

/** The path of one document. */
export const DOCUMENT = "/docs/:type/:key";

/** The path of its events, where a ticket in the address may stand in for a token. */
export const STREAM = `${DOCUMENT}/stream`;
export const TICKET = "ticket";

/** The document that a path names, whatever it says: what cannot exist is refused behind the port. */
export const documentOf = ({ exchange, request }: Visit): DocumentName => ({
  space: exchange.caller.space,
  type: inPath(request, "type"),
  key: inPath(request, "key"),
});

/** A part of the path. */
export function inPath({ params }: FastifyRequest, name: string): string {
  const value: unknown = typeof params === "object" && params !== null ? Reflect.get(params, name) : undefined;
  if (typeof value !== "string") throw new TidemarkError("invalid_key");
  return value;
}

/** The body, as it was read and checked; undefined when there is none. */
export const bodyOf = ({ request }: Pick<Visit, "request">): Json | undefined => request.body as Json | undefined;

/** The fields of an object. Throws TidemarkError `invalid_input` for what is none. */
export function fieldsOf(value: Json | undefined, path: string): JsonObject {
  if (isObject(value)) return value;
  throw invalid(path, "an object");
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One value of a header; of several, all with commas, as if they had been sent so (RFC 9110, section 5.3). */
export function header({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" || value === undefined ? value : value.join(", ");
}

/** Answers with JSON text: what a call answered, which is small. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type("application/json; charset=utf-8").send(text);
}

/** Answers with JSON text that may be long: what was read. Throws TidemarkError when too much of what was answered
 * before has not been taken yet. */
export function sendLong({ admitted, reply }: Visit, text: string): FastifyReply {
  const bytes = Buffer.from(text);
  admitted.answer(bytes.length);
  return reply.type("application/json; charset=utf-8").send(bytes);
}
