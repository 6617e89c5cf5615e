// Several calls of one request: handed on in their order, answered together, each with an outcome of its own. They are
// one client's calls under the numbers of their places, so that a repeated request repeats each of them (R6).
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyReply } from "fastify";
import type { Answer } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Asked } from "./exchange.js";
import { callIdentity } from "./idempotency.js";
import { okText } from "./one-call.js";
import { invalid, refuseParameters } from "./parameters.js";
import { problemOf } from "./problem.js";
import { header, sendJson, type Visit } from "./routes.js";

/** One of several. */
export type OneCall = Pick<Asked, "document" | "name" | "input" | "condition">;

/** Makes the calls and answers with `{outcomes}`. Throws TidemarkError before the first of them is made. */
export async function answerEach(visit: Visit, runtime: Runtime, calls: readonly OneCall[]): Promise<FastifyReply> {
  const { exchange, admitted, request, reply } = visit;
  refuseParameters(request.query);
  if (header(request, "if-match") !== undefined) throw invalid("If-Match", "a condition of each call");
  const { batchCallsMax: value } = LIMITS;
  const { length: yours } = calls;
  if (yours > value) throw new TidemarkError("too_large", { data: { limit: "batchCallsMax", value, yours } });
  const identity = callIdentity(header(request, "idempotency-key"), runtime);
  admitted.more(yours - 1);
  const answers = await Promise.all(
    calls.map((call, index) => exchange.ask({ ...call, identity, place: { n: index + 1, of: yours } })),
  );
  return sendJson(reply, `{"outcomes":[${answers.map(outcomeText).join(",")}]}`);
}

const outcomeText = (answer: Answer): string =>
  answer.kind === "ok" ? okText(answer) : JSON.stringify(problemOf(answer));
