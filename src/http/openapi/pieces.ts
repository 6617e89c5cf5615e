// The pieces that many operations of the API's description share: headers, parameters, bodies and answers.
import { ERRORS, type Json, type JsonObject, LIMITS } from "@tidemark/protocol";
import type { JsonSchemas } from "./json-schemas.js";

const WHOLE: JsonObject = { type: "integer", minimum: 0 };

const header = (name: string, schema: JsonObject, description: string): JsonObject => ({
  name,
  in: "header",
  schema,
  description,
});

/** A query parameter. */
export const inQuery = (name: string, schema: JsonObject, description: string): JsonObject => ({
  name,
  in: "query",
  schema,
  description,
});

/** A part of the path. */
export const inPath = (name: string, schema: JsonObject, description: string): JsonObject => ({
  name,
  in: "path",
  required: true,
  schema,
  description,
});

/** The key of a document, or the name of a channel. */
export const KEY: JsonObject = { type: "string", pattern: "^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,128}$" };

export const AFTER_SEQ = inQuery("after", WHOLE, "The seq after which to begin.");
export const AFTER_HELD = inQuery(
  "after",
  { type: "string" },
  "A `position`, or nothing: answers `{position, changes}` once something has changed since, or the wait is over.",
);
export const LAST = inQuery("last", { type: "string" }, "As `Last-Event-ID`, where no header can be sent.");
export const NEWEST = inQuery(
  "newest",
  { type: "integer", minimum: 0, maximum: LIMITS.lastMessagesMax },
  "Of a channel: how many of its newest messages to begin with.",
);
export const TICKET = inQuery("ticket", { type: "string" }, "From `/v1/tickets`, where no header can be sent.");
export const PARAMS = inQuery("params", { type: "string" }, "Parameters of the view, as JSON.");
export const SEQ = inQuery("seq", WHOLE, "An older seq to read at, for those whom the type's `canHistory` allows.");
export const AT_LEAST = inQuery("at-least", WHOLE, "Wait until the document is at this seq.");
export const WAIT = inQuery("wait", { type: "integer", minimum: 0, maximum: 30, default: 25 }, "How long, in seconds.");
export const LIMIT = inQuery("limit", { type: "integer", minimum: 1, maximum: 1_000, default: 100 }, "How many.");
export const BEFORE = inQuery("before", WHOLE, "The seq below which to begin.");
export const EVENT = inQuery("event", { type: "string" }, "Only messages of this kind.");
export const WHERE: JsonObject = {
  name: "where",
  in: "query",
  description: "Only messages whose data has these fields with these values.",
  content: { "application/json": { schema: { type: "object" } } },
};
export const IF_NONE_MATCH = header("If-None-Match", { type: "string" }, "An ETag: 304 while it is the same.");

export const LAST_EVENT_ID = header("Last-Event-ID", { type: "string" }, "The id of the last event that was had.");

const { idempotencyKeyLengthMin, idempotencyKeyLengthMax } = LIMITS;
const DEADLINE = header(
  "Deadline-Ms",
  { type: "integer", minimum: 1, maximum: LIMITS.deadlineMs, default: LIMITS.deadlineMs },
  "How long you wait; a call that has not begun by then never does.",
);
const IDEMPOTENCY_KEY = header(
  "Idempotency-Key",
  { type: "string", minLength: idempotencyKeyLengthMin, maxLength: idempotencyKeyLengthMax, pattern: "^[!-~]+$" },
  "Sent again under the same key, it is applied once and gets the first answer. Best a UUIDv7.",
);
const IF_MATCH = header("If-Match", { type: "string", examples: ['"7"'] }, 'Only at this seq, `"7"`; else 412.');

/** The headers of what may be sent again, and of what has a condition. */
export const REPEATABLE: readonly JsonObject[] = [IDEMPOTENCY_KEY, DEADLINE];
export const CONDITIONAL: readonly JsonObject[] = [IDEMPOTENCY_KEY, IF_MATCH, DEADLINE];

/** A JSON body. */
export const body = (schema: JsonObject, required: boolean): JsonObject => ({
  required,
  content: { "application/json": { schema } },
});

/** An object schema whose properties are all there, but for those that end with `?`. */
export function object(properties: { readonly [name: string]: Json }): JsonObject {
  const names = Object.keys(properties);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name.replace("?", ""), properties[name] ?? {}])),
    required: names.filter((name) => !name.endsWith("?")),
  };
}

/** A list. */
export const list = (items: JsonObject): JsonObject => ({ type: "array", items });

/** What is refused, as problem details. */
export function addProblem(schemas: JsonSchemas): JsonObject {
  return schemas.add(
    "Problem",
    object({
      type: { type: "string" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string" },
      "code?": { type: "string", enum: Object.keys(ERRORS) },
      "outcome?": { type: "string", enum: ["rejected", "unknown"] },
      "retry?": { type: "string", enum: ["never", "after", "reconnect"] },
      "afterMs?": { type: "integer" },
      "fault?": { type: "string", enum: ["caller", "service"] },
      "final?": { type: "boolean" },
      "hint?": { type: "string" },
      "reason?": { type: "string" },
      "data?": {},
    }),
  );
}

/** The answers of an operation: what it is when all is well, and a problem. */
export function answers(problem: JsonObject, status: 200 | 201, schema: JsonObject, description: string): JsonObject {
  return {
    [status]: { description, content: { "application/json": { schema } } },
    default: { description: "A refusal.", content: { "application/problem+json": { schema: problem } } },
  };
}

/** Where something was applied. */
export const POSITION = { epoch: WHOLE, seq: WHOLE } as const;
