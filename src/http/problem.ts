// Refusals over HTTP as problem details (RFC 9457): those of the HTTP side itself, and those of the error registry with
// its code, its retry class and its fault. It never tells what went wrong inside: that is for the log.
import { STATUS_CODES } from "node:http";
import { ERRORS, type ErrorCode, TidemarkError } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import type { Answer } from "../document/documents.js";
import { type RefusalWords, refusalWords } from "../session/refusal.js";
import { ERROR_STATUS } from "./error-status.js";

/** An error of the registry as problem details. */
export type Problem = {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** `rejected`: certainly not applied. `unknown`: may have been; the same idempotency key gets to know. */
  readonly outcome: "rejected" | "unknown";
  /** Of an unknown outcome: nobody will ever know. */
  readonly final?: true;
  readonly hint: string;
} & RefusalWords;

/** What was asked and not done. */
export type Unmet = Exclude<Answer, { kind: "ok" }>;

const ASK_AGAIN = "Send it again under the same Idempotency-Key: the first answer comes again, or it is done now.";

/** An answer that is not `ok`. `status`: where it is not the code's own. */
export function problemOf(answer: Unmet, status = ERROR_STATUS[answer.code]): Problem {
  const { code } = answer;
  const isUnknown = answer.kind === "unknown";
  const isFinal = isUnknown && answer.final === true;
  return {
    type: "about:blank",
    title: titleOf(status),
    status,
    detail: (isUnknown ? undefined : answer.message) ?? ERRORS[code].message,
    code,
    outcome: isUnknown ? "unknown" : "rejected",
    ...(isFinal ? { final: true } : {}),
    hint: isUnknown && !isFinal ? ASK_AGAIN : ERRORS[code].hint,
    ...refusalWords(answer),
  };
}

/** The refusal that an error says. */
export function unmetOf({ code, message, retry, afterMs, fault, data }: TidemarkError): Unmet {
  const known = { ...(afterMs === undefined ? {} : { afterMs }), ...(data === undefined ? {} : { data }) };
  return { kind: "no", code, message, retry, fault, ...known };
}

/** Answers with problem details of the registry. */
export function sendUnmet(reply: FastifyReply, answer: Unmet, status?: number): FastifyReply {
  const problem = problemOf(answer, status);
  if (problem.afterMs !== undefined) reply.header("Retry-After", Math.ceil(problem.afterMs / 1_000));
  if (problem.status === 401) reply.header("WWW-Authenticate", "Bearer");
  return send(reply, problem.status, problem);
}

/** Answers with a status and one sentence on what to do instead. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return send(reply, status, { type: "about:blank", title: titleOf(status), status, detail });
}

/** What a request gets that could not be read, or whose handling failed. */
export function sendFailure(
  reply: FastifyReply,
  error: { readonly statusCode?: number } | TidemarkError,
): FastifyReply {
  if (error instanceof TidemarkError) return sendUnmet(reply, unmetOf(error));
  const { statusCode = 500 } = error;
  if (statusCode >= 400 && statusCode < 500) return sendProblem(reply, statusCode, "The request cannot be read.");
  return sendProblem(reply, 500, "The server failed to answer; its log has the reason.");
}

const titleOf = (status: number): string => STATUS_CODES[status] ?? "Error";

function send(reply: FastifyReply, status: number, problem: object): FastifyReply {
  return reply
    .code(status)
    .header("Cache-Control", "no-store")
    .type("application/problem+json")
    .send(JSON.stringify(problem));
}
