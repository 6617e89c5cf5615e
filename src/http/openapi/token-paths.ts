// What the API's description says of what lets in: connect tokens, tickets, and revocation.
import { type JsonObject, LIMITS } from "@tidemark/protocol";
import { answers, body, list, object } from "./pieces.js";

const NAME = { type: "string", minLength: 1, maxLength: LIMITS.claimLengthMax };
const TIME = { type: "integer", description: "Unix time in ms." };
const GRANT = object({ doc: { type: "string", examples: ["type/key", "type/*"] }, may: list({ type: "string" }) });

const REQUEST = object({
  sub: NAME,
  "roles?": list({ type: "string" }),
  "claims?": { type: "object" },
  "grants?": list(GRANT),
  "sessionSeconds?": { type: "number", exclusiveMinimum: 0, default: 3_600 },
  "withinSeconds?": { type: "number", exclusiveMinimum: 0, default: 30 },
});
const MADE = object({ token: { type: "string" }, useBefore: TIME, expiresAt: TIME });
const TICKET = object({ ticket: { type: "string" }, useBefore: TIME });
const REVOCATION = { anyOf: [object({ sub: NAME, "until?": TIME }), object({ jti: NAME, "until?": TIME })] };

/** The paths. `problem` is what a refusal looks like. */
export function tokenPaths(problem: JsonObject): JsonObject {
  const about = (operation: string, summary: string): JsonObject => ({
    tags: ["service"],
    operationId: operation,
    summary,
  });
  const { default: refusal = {} } = answers(problem, 200, {}, "");
  return {
    "/v1/connect-tokens": {
      post: {
        ...about("connectToken", "Makes a token that lets somebody in once, soon"),
        requestBody: body(REQUEST, true),
        responses: answers(problem, 201, MADE, "It is not shown again."),
      },
    },
    "/v1/tickets": {
      post: {
        ...about("ticket", "Makes a ticket, with which your browser may follow one document"),
        requestBody: body(object({ doc: { type: "string", examples: ["type/key"] } }), true),
        responses: answers(problem, 201, TICKET, "Good once, soon, as `ticket` in the address of the stream."),
      },
    },
    "/v1/revocations": {
      post: {
        ...about("revoke", "Ends all tokens of somebody that were issued by now, or one"),
        requestBody: body(REVOCATION, true),
        responses: { 204: { description: "In force, and on disk." }, default: refusal },
      },
    },
  };
}
