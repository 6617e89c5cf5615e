// The description of the API in OpenAPI 3.1, made of the document types that a server has. It tells what may be asked, and
// nothing of any document, nor of the parts of states that are hidden.
import { CHANNEL_TYPE, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { ResolvedType } from "../../document/definition/resolved-type.js";
import { JsonSchemas } from "./json-schemas.js";
import {
  addProblem,
  answers,
  BEFORE,
  body,
  CONDITIONAL,
  EVENT,
  inPath,
  KEY,
  LIMIT,
  list,
  object,
  POSITION,
  REPEATABLE,
  WHERE,
} from "./pieces.js";
import { tokenPaths } from "./token-paths.js";
import { type Describing, typePaths } from "./type-paths.js";

/** The version of the API, which is that of its addresses. */
const API_VERSION = "1";
const ABOUT = "Documents, messages and channels. Every answer with a `seq` is on disk.";

/** Describes the API of an application. */
export function apiDocument(types: ReadonlyMap<string, ResolvedType>): JsonObject {
  const schemas = new JsonSchemas();
  const describing = { schemas, problem: addProblem(schemas) };
  // Channels have addresses of their own.
  const documents = [...types].filter(([name]) => name !== CHANNEL_TYPE);
  const paths = Object.assign(
    {},
    ...documents.map(([name, type]) => typePaths(name, type, describing)),
    channelPaths(describing),
    servicePaths(describing),
    tokenPaths(describing.problem),
  );
  return {
    openapi: "3.1.0",
    info: { title: "Tidemark", version: API_VERSION, description: ABOUT },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    tags: [...documents.map(([name]) => ({ name })), { name: "channels" }, { name: "service" }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: schemas.components,
    },
  };
}

const OUTCOME = (problem: JsonObject): JsonObject => ({
  anyOf: [object({ result: {}, "epoch?": POSITION.epoch, "seq?": POSITION.seq }), problem],
});

function channelPaths({ schemas, problem }: Describing): JsonObject {
  const message = schemas.add("channel.message", object({ event: { type: "string" }, "data?": {} }));
  const past = object({ seq: POSITION.seq, at: { type: "integer" }, event: { type: "string" }, data: {} });
  const name = inPath("name", KEY, "Which channel.");
  const about = (operation: string, summary: string): JsonObject => ({
    tags: ["channels"],
    operationId: `channels.${operation}`,
    summary,
  });
  return {
    "/v1/channels/{name}/{event}": {
      parameters: [name, inPath("event", { type: "string" }, "What kind of message it is.")],
      post: {
        ...about("publish", "Publishes the body"),
        parameters: CONDITIONAL,
        requestBody: body({}, false),
        responses: answers(problem, 200, object({ result: {}, ...POSITION }), "It is on disk."),
      },
    },
    "/v1/channels/{name}": {
      parameters: [name],
      post: {
        ...about("publishSeveral", "Publishes several messages"),
        parameters: REPEATABLE,
        requestBody: body({ ...list(message), minItems: 1, maxItems: LIMITS.batchCallsMax }, true),
        responses: answers(problem, 200, object({ outcomes: list(OUTCOME(problem)) }), "One outcome for each."),
      },
      get: {
        ...about("history", "Reads what was published"),
        parameters: [BEFORE, LIMIT, EVENT, WHERE],
        responses: answers(problem, 200, object({ messages: list(past), "next?": POSITION.seq }), "Newest first."),
      },
    },
  };
}

function servicePaths({ schemas, problem }: Describing): JsonObject {
  const doc = { type: "string", examples: ["type/key"] };
  const call = schemas.add("batch.call", {
    anyOf: [
      object({ doc, name: { type: "string" }, "input?": {}, "ifSeq?": POSITION.seq }),
      object({ doc, create: {}, "ifSeq?": POSITION.seq }),
      object({ doc, delete: { const: true }, "ifSeq?": POSITION.seq }),
    ],
  });
  const about = (operation: string, summary: string): JsonObject => ({
    tags: ["service"],
    operationId: operation,
    summary,
  });
  const identity = object({
    id: { type: "string" },
    roles: list({ type: "string" }),
    claims: { type: "object" },
    expiresAt: { type: "integer" },
  });
  return {
    "/v1/batch": {
      post: {
        ...about("batch", "Makes several calls"),
        parameters: REPEATABLE,
        requestBody: body(object({ calls: { ...list(call), minItems: 1, maxItems: LIMITS.batchCallsMax } }), true),
        responses: answers(problem, 200, object({ outcomes: list(OUTCOME(problem)) }), "One outcome for each."),
      },
    },
    "/v1/whoami": {
      get: {
        ...about("whoami", "Says whom your token stands for"),
        responses: answers(problem, 200, identity, "You."),
      },
    },
  };
}
