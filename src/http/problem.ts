// Refusals over HTTP as problem details (RFC 9457). It never tells what went wrong inside: that is for the log.
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyReply } from "fastify";

/** Answers with a status and one sentence on what to do instead. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const problem = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
  return reply
    .code(status)
    .header("Cache-Control", "no-store")
    .type("application/problem+json")
    .send(JSON.stringify(problem));
}

/** What a request gets that could not be read, or whose handling failed. */
export function sendFailure(reply: FastifyReply, { statusCode = 500 }: Pick<FastifyError, "statusCode">): FastifyReply {
  if (statusCode >= 400 && statusCode < 500) return sendProblem(reply, statusCode, "The request cannot be read.");
  return sendProblem(reply, 500, "The server failed to answer; its log has the reason.");
}
