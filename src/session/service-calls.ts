// Calls to the service itself (target "$"): which document they concern, and in which form that document's host takes
// them. It only reads shapes; who may do what is decided there.
import { type ErrorCode, type Json, parseDocumentId } from "@tidemark/protocol";
import { CREATE, DELETE } from "../document/calls.js";
import type { RefusedAnswer } from "../document/documents.js";
import { GET, HISTORY } from "../document/queries.js";

/** What a service call turned out to be. */
export type ServiceCall =
  | {
      readonly kind: "document";
      readonly document: { readonly type: string; readonly key: string };
      readonly name: string;
      readonly input: Json;
      readonly query: boolean;
    }
  | { readonly kind: "list"; readonly type: string; readonly after: string; readonly limit: number }
  | { readonly kind: "whoami" }
  | { readonly kind: "refused"; readonly answer: RefusedAnswer };

const LIST_LIMIT = 100;

const DOCUMENT_CALLS: ReadonlyMap<string, { name: string; query: boolean }> = new Map([
  ["create", { name: CREATE, query: false }],
  ["delete", { name: DELETE, query: false }],
  ["get", { name: GET, query: true }],
  ["history", { name: HISTORY, query: true }],
]);

/** Reads one service call. */
export function serviceCall(name: string, input: Json): ServiceCall {
  if (name === "whoami") return { kind: "whoami" };
  if (name === "list") return listCall(input);
  const call = DOCUMENT_CALLS.get(name);
  if (call === undefined) return refused("unknown_message");
  const doc = field(input, "doc");
  const document = typeof doc === "string" ? parseDocumentId(doc) : undefined;
  if (document === undefined) return refused("invalid_key");
  // A document's first state is made from what the creator passed, everything else from the whole input.
  const passed = name === "create" ? (field(input, "input") ?? true) : input;
  return { kind: "document", document, ...call, input: passed };
}

function listCall(input: Json): ServiceCall {
  const type = field(input, "type");
  const after = field(input, "after") ?? "";
  const limit = field(input, "limit") ?? LIST_LIMIT;
  if (typeof type !== "string" || typeof after !== "string" || typeof limit !== "number")
    return refused("invalid_input");
  if (field(input, "where") !== undefined) {
    return {
      kind: "refused",
      answer: { code: "invalid_input", data: { path: "where", expected: "absent: this type has no indexes" } },
    };
  }
  return { kind: "list", type, after, limit };
}

const refused = (code: ErrorCode): ServiceCall => ({ kind: "refused", answer: { code } });

function field(input: Json, name: string): Json | undefined {
  if (typeof input !== "object" || input === null || Array.isArray(input) || !Object.hasOwn(input, name))
    return undefined;
  return Reflect.get(input, name);
}
