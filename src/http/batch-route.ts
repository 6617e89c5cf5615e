// Several calls in one request: handed on in their order, answered together, each with an outcome of its own. They are
// one client's calls under the numbers of their places, so that a repeated batch repeats each of them (R6).
import { type Json, type JsonObject, LIMITS, parseDocumentId, TidemarkError } from "@tidemark/protocol";
import { CREATE, DELETE } from "../document/calls.js";
import type { DocumentName } from "../document/document-store.js";
import type { Answer } from "../document/documents.js";
import { callIdentity } from "./idempotency.js";
import { okText } from "./ok-text.js";
import { invalid, refuseParameters } from "./parameters.js";
import { problemOf } from "./problem.js";
import { bodyOf, header, type Routes, sendJson } from "./routes.js";

/** One of the calls, as far as it can be understood. */
interface BatchCall {
  readonly id: { readonly type: string; readonly key: string };
  readonly name: string;
  readonly input: Json;
  readonly condition: { readonly seq: number; readonly epoch: undefined } | undefined;
}

const FIELDS: ReadonlySet<string> = new Set(["doc", "name", "input", "create", "delete", "ifSeq"]);

/** Adds it. */
export function addBatchRoute({ scope, runtime, handler }: Routes): void {
  scope.post(
    "/batch",
    handler(async (visit) => {
      const { exchange, admitted, request, reply } = visit;
      refuseParameters(request.query);
      if (header(request, "if-match") !== undefined) throw invalid("If-Match", "`ifSeq` of each call");
      const calls = callsIn(bodyOf(visit));
      admitted.more(calls.length - 1);
      const identity = callIdentity(header(request, "idempotency-key"), runtime);
      const { space } = exchange.caller;
      const answers = await Promise.all(
        calls.map(({ id, ...call }, index) => {
          const document: DocumentName = { space, ...id };
          return exchange.ask({ ...call, document, identity, place: { n: index + 1, of: calls.length } });
        }),
      );
      return sendJson(reply, `{"outcomes":[${answers.map(outcomeText).join(",")}]}`);
    }),
  );
}

const outcomeText = (answer: Answer): string =>
  answer.kind === "ok" ? okText(answer) : JSON.stringify(problemOf(answer));

/** What cannot be understood is refused as a whole: nothing of it is applied. */
function callsIn(body: Json | undefined): readonly BatchCall[] {
  const { calls } = fieldsOf(body, "");
  if (!Array.isArray(calls) || calls.length === 0) throw invalid("/calls", "a list of calls");
  const { batchCallsMax: value } = LIMITS;
  if (calls.length > value) {
    throw new TidemarkError("too_large", { data: { limit: "batchCallsMax", value, yours: calls.length } });
  }
  return calls.map((call, index) => callIn(fieldsOf(call, `/calls/${index}`), `/calls/${index}`));
}

function callIn(fields: JsonObject, path: string): BatchCall {
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw invalid(path, `no fields but ${[...FIELDS].join(", ")}`);
  const id = typeof fields.doc === "string" ? parseDocumentId(fields.doc) : undefined;
  if (id === undefined) throw invalid(`${path}/doc`, "a document id, type/key");
  return { id, ...whatIn(fields, path), condition: conditionIn(fields.ifSeq, path) };
}

function whatIn(fields: JsonObject, path: string): { readonly name: string; readonly input: Json } {
  const { name, input = null, create, delete: remove } = fields;
  const given = [name, create, remove].filter((one) => one !== undefined).length;
  if (given !== 1) throw invalid(path, "one of name, create and delete");
  if (create !== undefined) return { name: CREATE, input: create };
  if (remove === true) return { name: DELETE, input: null };
  if (typeof name !== "string" || name.startsWith("$")) throw invalid(`${path}/name`, "a message or query of the type");
  return { name, input };
}

function conditionIn(ifSeq: Json | undefined, path: string): BatchCall["condition"] {
  if (ifSeq === undefined) return undefined;
  if (typeof ifSeq === "number" && Number.isSafeInteger(ifSeq) && ifSeq >= 0) return { seq: ifSeq, epoch: undefined };
  throw invalid(`${path}/ifSeq`, "a seq");
}

function fieldsOf(value: Json | undefined, path: string): JsonObject {
  if (isObject(value)) return value;
  throw invalid(path, "an object");
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
