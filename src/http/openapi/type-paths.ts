// What the API's description says of one document type: an operation for each of its messages and queries, with their
// inputs, and those that all documents have.
import type { JsonObject } from "@tidemark/protocol";
import type { ResolvedMessage, ResolvedType } from "../../document/definition/resolved-type.js";
import type { JsonSchemas } from "./json-schemas.js";
import {
  AFTER_HELD,
  AFTER_SEQ,
  AT_LEAST,
  answers,
  body,
  CONDITIONAL,
  IF_NONE_MATCH,
  inPath,
  inQuery,
  KEY,
  LAST,
  LAST_EVENT_ID,
  LIMIT,
  list,
  NEWEST,
  object,
  PARAMS,
  POSITION,
  SEQ,
  TICKET,
  WAIT,
} from "./pieces.js";

/** Where schemas go, and what a refusal looks like. */
export interface Describing {
  readonly schemas: JsonSchemas;
  readonly problem: JsonObject;
}

const KEY_IN_PATH = inPath("key", KEY, "Which document.");
const APPLIED = object({ result: {}, ...POSITION });

/** The paths of one type. */
export function typePaths(name: string, type: ResolvedType, describing: Describing): JsonObject {
  const one = `/v1/docs/${name}/{key}`;
  const calls = [...type.messages].map(([call, message]) => [
    `${one}/${call}`,
    callPath({ name, call, message, isQuery: false }, describing),
  ]);
  const queries = [...type.queries].map(([call, message]) => [
    `${one}/${call}`,
    callPath({ name, call, message, isQuery: true }, describing),
  ]);
  return {
    [`/v1/docs/${name}`]: { get: listing(name, describing) },
    [one]: documentPath(name, type, describing),
    ...Object.fromEntries([...calls, ...queries]),
    [`${one}/history`]: besideCall("history", { name, type, get: history(name, describing) }, describing),
    [`${one}/stream`]: besideCall("stream", { name, type, get: stream(name, describing) }, describing),
  };
}

function documentPath(name: string, type: ResolvedType, { schemas, problem }: Describing): JsonObject {
  const { create, params, stateSchema, hidden, views } = type;
  // What a view shows is for its functions to say.
  const state =
    views === undefined
      ? schemas.addState(`${name}.state`, stateSchema, (part) => hidden?.has(part) === true)
      : { type: "object" };
  const byParams =
    params === undefined
      ? []
      : [
          {
            name: "params",
            in: "query",
            content: { "application/json": { schema: schemas.addInput(`${name}.params`, params.schema) } },
          },
        ];
  return {
    parameters: [KEY_IN_PATH],
    get: {
      ...about(name, "get", `Reads a ${name} as you see it`),
      parameters: [AFTER_HELD, AT_LEAST, WAIT, SEQ, IF_NONE_MATCH, ...byParams],
      responses: answers(
        problem,
        200,
        object({ state, ...POSITION }),
        "The state, with an `ETag`; what has changed, with `after`.",
      ),
    },
    post: {
      ...about(name, "create", `Creates a ${name}`),
      parameters: CONDITIONAL,
      ...(create === undefined ? {} : { requestBody: body(schemas.addInput(`${name}.create`, create.schema), true) }),
      responses: answers(problem, 201, APPLIED, "It is there."),
    },
    delete: {
      ...about(name, "delete", `Deletes a ${name}`),
      parameters: CONDITIONAL,
      responses: answers(problem, 200, APPLIED, "It is deleted."),
    },
  };
}

interface CallOf {
  readonly name: string;
  readonly call: string;
  readonly message: ResolvedMessage;
  readonly isQuery: boolean;
}

const callPath = (of: CallOf, describing: Describing): JsonObject => ({
  parameters: [KEY_IN_PATH],
  post: callOperation(of, describing),
});

function callOperation({ name, call, message, isQuery }: CallOf, { schemas, problem }: Describing): JsonObject {
  const { input } = message;
  return {
    ...about(name, call, isQuery ? `Asks ${call}` : `Calls ${call}`),
    parameters: isQuery ? [] : CONDITIONAL,
    ...(input === undefined ? {} : { requestBody: body(schemas.addInput(`${name}.${call}`, input.schema), true) }),
    responses: isQuery
      ? answers(problem, 200, object({ result: {} }), "The answer, of a state that is on disk.")
      : answers(problem, 200, APPLIED, "It is applied, and on disk."),
  };
}

interface Beside {
  readonly name: string;
  readonly type: ResolvedType;
  readonly get: JsonObject;
}

/** What is read at a path; a message or query of that name shares it. */
function besideCall(call: string, { name, type, get }: Beside, describing: Describing): JsonObject {
  const query = type.queries.get(call);
  const message = query ?? type.messages.get(call);
  const path = { parameters: [KEY_IN_PATH], get };
  if (message === undefined) return path;
  return { ...path, post: callOperation({ name, call, message, isQuery: query !== undefined }, describing) };
}

const stream = (name: string, { problem }: Describing): JsonObject => ({
  ...about(name, "stream", `Follows a ${name} as server-sent events`),
  parameters: [LAST_EVENT_ID, TICKET, LAST, NEWEST, PARAMS],
  responses: {
    200: { description: "`snapshot`, `patch`, `ping` and `end`.", content: { "text/event-stream": {} } },
    default: answers(problem, 200, {}, "")["default"] ?? {},
  },
});

const history = (name: string, { problem }: Describing): JsonObject => ({
  ...about(name, "log", `Reads the log of a ${name}`),
  parameters: [AFTER_SEQ, LIMIT],
  responses: answers(
    problem,
    200,
    object({
      entries: list(
        object({
          ...POSITION,
          at: { type: "integer" },
          patch: list({ type: "object" }),
          events: list({ type: "object" }),
          "by?": { type: "string" },
        }),
      ),
    }),
    "Oldest first; patches are RFC 6902.",
  ),
});

const listing = (name: string, { problem }: Describing): JsonObject => ({
  ...about(name, "list", `Lists the keys of ${name}`),
  parameters: [inQuery("after", { type: "string" }, "The key after which to begin."), LIMIT],
  responses: answers(
    problem,
    200,
    object({ keys: list({ type: "string" }), "next?": { type: "string" } }),
    "In order.",
  ),
});

const about = (name: string, operation: string, summary: string): JsonObject => ({
  tags: [name],
  operationId: `${name}.${operation}`,
  summary,
});
