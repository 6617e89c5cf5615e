// The one call of a request, under its identity and on its condition, and what its sender reads of the answer.
import type { FastifyReply } from "fastify";
import type { Answer } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Asked } from "./exchange.js";
import { callIdentity } from "./idempotency.js";
import { refuseParameters } from "./parameters.js";
import { conditionOf } from "./preconditions.js";
import { sendUnmet } from "./problem.js";
import { header, sendJson, type Visit } from "./routes.js";

/** Makes it. Rejects with TidemarkError for headers and parameters that cannot be understood. */
export async function callOnce(
  { exchange, request }: Visit,
  runtime: Runtime,
  what: Pick<Asked, "document" | "name" | "input">,
): Promise<Answer> {
  refuseParameters(request.query);
  const identity = callIdentity(header(request, "idempotency-key"), runtime);
  const condition = conditionOf(header(request, "if-match"));
  return exchange.ask({ ...what, identity, condition });
}

/** Answers with the result and where it was applied, or with why not. */
export function sendOutcome(reply: FastifyReply, answer: Answer): FastifyReply {
  return answer.kind === "ok" ? sendJson(reply, okText(answer)) : sendUnmet(reply, answer);
}

/** What a call that succeeded says, as JSON text; a query has no position. */
export function okText({ at, resultJson = "null" }: Extract<Answer, { kind: "ok" }>): string {
  return at === null ? `{"result":${resultJson}}` : `{"result":${resultJson},"epoch":${at.epoch},"seq":${at.seq}}`;
}
