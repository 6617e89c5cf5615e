// The routes about what lets in: a connect token for somebody else, a ticket for oneself, and the end of tokens that are out
// of hand. What they mean is the auth room's to say.
import { type Json, type JsonObject, parseDocumentId, TidemarkError } from "@tidemark/protocol";
import type { ConnectTokens } from "../auth/connect-tokens.js";
import type { Credentials, Revoked } from "../auth/credentials.js";
import { requirePower } from "../auth/powers.js";
import type { Tickets } from "../auth/tickets.js";
import { StoreError } from "../document/document-store.js";
import { checkedGrants } from "../document/grants.js";
import { refuseParameters } from "./parameters.js";
import { bodyOf, type Routes, sendJson, type Visit } from "./routes.js";

/** What they are about. */
export interface TokenRoom {
  readonly connectTokens: ConnectTokens;
  readonly tickets: Tickets;
  /** Undefined: the server is starting. */
  readonly credentials: Credentials | undefined;
}

const AFTER_MS = 1_000;

/** Adds them. */
export function addTokenRoutes({ scope, handler }: Routes, room: TokenRoom): void {
  scope.post(
    "/connect-tokens",
    handler(async (visit) => {
      const { identity } = visit.exchange;
      requirePower(identity, "tokens");
      const made = room.connectTokens.make(connectRequest(fieldsOf(visit)), identity);
      return sendJson(visit.reply.code(201), JSON.stringify(made));
    }),
  );
  scope.post(
    "/tickets",
    handler(async (visit) => {
      const made = room.tickets.make(visit.exchange.identity, documentIn(fieldsOf(visit)));
      return sendJson(visit.reply.code(201), JSON.stringify(made));
    }),
  );
  scope.post(
    "/revocations",
    handler(async (visit) => {
      const { identity } = visit.exchange;
      requirePower(identity, "revocations");
      const { what, untilMs } = revocation(fieldsOf(visit));
      await room.credentials?.revoke(what, { space: identity.space, untilMs }).catch(inDoubt);
      return visit.reply.code(204).send();
    }),
  );
}

function fieldsOf(visit: Visit): JsonObject {
  refuseParameters(visit.request.query);
  const body = bodyOf(visit);
  if (isObject(body)) return body;
  throw invalid("", "object", body);
}

function connectRequest(fields: JsonObject): Parameters<ConnectTokens["make"]>[0] {
  const { sub, roles, claims, grants, sessionSeconds, withinSeconds, ...others } = fields;
  refuseOthers(others);
  if (typeof sub !== "string") throw invalid("/sub", "text", sub);
  if (roles !== undefined && !isTexts(roles)) throw invalid("/roles", "a list of text", roles);
  if (claims !== undefined && !isObject(claims)) throw invalid("/claims", "object", claims);
  const [sessionMs, withinMs] = [
    milliseconds("/sessionSeconds", sessionSeconds),
    milliseconds("/withinSeconds", withinSeconds),
  ];
  return {
    ...{ sub, grants: grantsOf(grants) },
    ...(roles === undefined ? {} : { roles }),
    ...(claims === undefined ? {} : { claims }),
    ...(sessionMs === undefined ? {} : { sessionMs }),
    ...(withinMs === undefined ? {} : { withinMs }),
  };
}

function documentIn({ doc, ...others }: JsonObject): string {
  refuseOthers(others);
  if (typeof doc !== "string" || parseDocumentId(doc) === undefined) throw invalid("/doc", "`type/key`", doc ?? null);
  return doc;
}

function revocation({ sub, jti, until, ...others }: JsonObject): { what: Revoked; untilMs: number | undefined } {
  refuseOthers(others);
  if (until !== undefined && typeof until !== "number") throw invalid("/until", "Unix time in ms", until);
  if (typeof sub === "string" && jti === undefined) return { what: { sub }, untilMs: until };
  if (typeof jti === "string" && sub === undefined) return { what: { jti }, untilMs: until };
  throw invalid("", "either `sub` or `jti`, as text", { sub, jti });
}

/** In force all the same; whether it outlives a restart is not known, so it is to be asked for again. */
function inDoubt(error: unknown): never {
  if (error instanceof StoreError) throw new TidemarkError("commit_unknown", { afterMs: AFTER_MS, cause: error });
  throw error;
}

function grantsOf(value: Json | undefined): ReturnType<typeof checkedGrants> {
  try {
    return checkedGrants(value);
  } catch (error) {
    const data = [{ path: "/grants", expected: error instanceof Error ? error.message : String(error) }];
    throw new TidemarkError("invalid_input", { data });
  }
}

function milliseconds(path: string, seconds: Json | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (typeof seconds === "number" && seconds > 0) return seconds * 1_000;
  throw invalid(path, "a number of seconds", seconds);
}

/** What is not understood must not be left out. */
function refuseOthers(others: JsonObject): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw invalid(`/${name}`, "nothing of that name", others[name]);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isTexts = (value: Json): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

const invalid = (path: string, expected: string, value: unknown): TidemarkError =>
  new TidemarkError("invalid_input", {
    data: [{ path, expected, received: value === null ? "null" : Array.isArray(value) ? "array" : typeof value }],
  });
