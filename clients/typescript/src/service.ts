// Calls that belong to no open document: their names, inputs and results on the wire (REQ-18). What changes a document
// takes its place among the other messages to it.
import {
  type AnyApp,
  type Contract,
  formatDocumentId,
  type Json,
  type JsonObject,
  type Principal,
  TidemarkError,
} from "@tidemark/protocol";
import type { Position } from "./api/position.js";
import type { KeyPage, LogEntry, Service } from "./api/tide.js";
import type { Calls } from "./calls/calls.js";
import { asLogEntries, asView } from "./documents/claims.js";
import { isObject } from "./stream/local-diff.js";

interface GetOptions<C extends Contract> {
  readonly params?: C["params"];
  readonly seq?: number;
}

/** The service behind a client's calls. */
export function service<A extends AnyApp>(calls: Calls): Service<A> {
  const ask = (name: string, input: unknown): Promise<Json | undefined> =>
    calls.call({ lane: undefined, target: "$", name, input });
  const tell = (name: string, doc: string, input: unknown) => calls.call({ lane: doc, target: "$", name, input });
  return {
    async create(type, key, input): Promise<Position> {
      const doc = formatDocumentId(type, key);
      const sent = tell("create", doc, { doc, input });
      await sent;
      const { epoch, seq } = await sent.receipt;
      return { epoch, seq };
    },
    async get<C extends Contract>(type: string, key: string, options: GetOptions<C> = {}) {
      const { state, at } = await stateOf(calls, formatDocumentId(type, key), options);
      return { state: asView<C>(state), at };
    },
    async list(type, page = {}): Promise<KeyPage> {
      return readPage(await ask("list", { ...page, type }));
    },
    async delete(type, key): Promise<void> {
      const doc = formatDocumentId(type, key);
      await tell("delete", doc, { doc });
    },
    async history(type, key, page = {}): Promise<readonly LogEntry[]> {
      return asLogEntries(await ask("history", { ...page, doc: formatDocumentId(type, key) }));
    },
    async whoami(): Promise<Principal & { readonly expiresAt: number }> {
      return readIdentity(await ask("whoami", undefined));
    },
  };
}

/** What the server shows of a document, once. */
export async function stateOf(
  calls: Calls,
  doc: string,
  options: { readonly params?: unknown; readonly seq?: number },
): Promise<{ readonly state: JsonObject; readonly at: Position }> {
  const result = await calls.call({ lane: undefined, target: "$", name: "get", input: { ...options, doc } });
  const { state, at }: JsonObject = isObject(result) ? result : {};
  const [epoch, seq]: readonly Json[] = Array.isArray(at) ? at : [];
  if (!isObject(state) || typeof epoch !== "number" || typeof seq !== "number") throw unreadable("get");
  return { state, at: { epoch, seq } };
}

/** A page of keys, as it is said over any way in. Throws TidemarkError for what is none. */
export function readPage(result: Json | undefined): KeyPage {
  const { keys, next }: JsonObject = isObject(result) ? result : {};
  if (!isTexts(keys)) throw unreadable("list");
  return { keys, next: typeof next === "string" ? next : undefined };
}

function readIdentity(result: Json | undefined): Principal & { readonly expiresAt: number } {
  const { id, roles, claims, expiresAt }: JsonObject = isObject(result) ? result : {};
  if (typeof id !== "string" || !isTexts(roles) || !isObject(claims) || typeof expiresAt !== "number") {
    throw unreadable("whoami");
  }
  return { id, roles, claims, expiresAt };
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function unreadable(name: string): TidemarkError {
  return new TidemarkError("protocol_error", { message: `The answer to ${name} does not have its form.` });
}
