// The route for several calls to any documents. It only reads what is asked: what cannot be understood is refused as a
// whole, and nothing of it is applied.
import { type Json, type JsonObject, parseDocumentId } from "@tidemark/protocol";
import { CREATE, DELETE } from "../document/calls.js";
import { invalid } from "./parameters.js";
import { bodyOf, fieldsOf, type Routes } from "./routes.js";
import { answerEach, type OneCall } from "./several-calls.js";

const FIELDS: ReadonlySet<string> = new Set(["doc", "name", "input", "create", "delete", "ifSeq"]);

/** Adds it. */
export function addBatchRoute({ scope, runtime, handler }: Routes): void {
  scope.post(
    "/batch",
    handler(async (visit) => {
      const { calls } = fieldsOf(bodyOf(visit), "");
      if (!Array.isArray(calls) || calls.length === 0) throw invalid("/calls", "a list of calls");
      const { space } = visit.exchange.caller;
      const understood = calls.map((call, index) =>
        callIn(fieldsOf(call, `/calls/${index}`), `/calls/${index}`, space),
      );
      return answerEach(visit, runtime, understood);
    }),
  );
}

function callIn(fields: JsonObject, path: string, space: string): OneCall {
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw invalid(path, `no fields but ${[...FIELDS].join(", ")}`);
  const id = typeof fields.doc === "string" ? parseDocumentId(fields.doc) : undefined;
  if (id === undefined) throw invalid(`${path}/doc`, "a document id, type/key");
  return { document: { space, ...id }, ...whatIn(fields, path), condition: conditionIn(fields.ifSeq, path) };
}

function whatIn(fields: JsonObject, path: string): Pick<OneCall, "name" | "input"> {
  const { name, input = null, create, delete: remove } = fields;
  const given = [name, create, remove].filter((one) => one !== undefined).length;
  if (given !== 1) throw invalid(path, "one of name, create and delete");
  if (create !== undefined) return { name: CREATE, input: create };
  if (remove === true) return { name: DELETE, input: null };
  if (typeof name !== "string" || name.startsWith("$")) throw invalid(`${path}/name`, "a message or query of the type");
  return { name, input };
}

function conditionIn(ifSeq: Json | undefined, path: string): OneCall["condition"] {
  if (ifSeq === undefined) return undefined;
  if (typeof ifSeq === "number" && Number.isSafeInteger(ifSeq) && ifSeq >= 0) return { seq: ifSeq, epoch: undefined };
  throw invalid(`${path}/ifSeq`, "a seq");
}
