// A backend's client: which request each of its methods is, and what it reads of the answer. It sends nothing itself.
import {
  type AnyApp,
  type At,
  type Contract,
  isTypeName,
  type Json,
  type JsonObject,
  LIMITS,
  TidemarkError,
  type TypeName,
} from "@tidemark/protocol";
import type { Position } from "../api/position.js";
import type { ServerClient, ServerOptions, TokenClaims, Waiting } from "../api/server-client.js";
import type { LogEntry } from "../api/tide.js";
import { asLogEntries, asSendersAndAskers, asView } from "../documents/claims.js";
import { methods } from "../documents/methods.js";
import type { BackendPlatform } from "../platform/request.js";
import { readPage } from "../service.js";
import { isObject } from "../stream/local-diff.js";
import { caller } from "./caller.js";
import { publisher } from "./publish.js";
import { receiptIn, unreadable } from "./receipt.js";
import { deleting, posting, Requests, reading } from "./requests.js";
import { documentPath, query, serviceUrl } from "./service-url.js";

type GetOptions<C extends Contract> = { readonly params?: C["params"]; readonly seq?: number } & Waiting;

/** How long what was connected with a token stays, unless its maker says; and the most. */
const TTL_SECONDS = { default: 300, max: 86_400 };

/** The client. Throws TypeError for options that cannot be. */
export function createServerClient<A extends AnyApp>(
  { url, key, deadlineMs = LIMITS.deadlineMs }: ServerOptions,
  platform: BackendPlatform,
): ServerClient<A> {
  if (!/^[!-~]+$/.test(key)) throw new TypeError("server: `key` must be an API key, in visible ASCII characters");
  const requests = new Requests({ platform, url: serviceUrl(url), key, deadlineMs });
  return {
    publish: publisher(requests),
    call<K extends TypeName<A>>(type: K, key: string) {
      return asSendersAndAskers<At<A, K>>(methods(caller(requests, { type, key })));
    },
    async get<C extends Contract>(type: string, key: string, options: GetOptions<C> = {}) {
      const { params, seq } = options;
      const shown = query({ params: params === undefined ? undefined : JSON.stringify(params), seq });
      const { state, at } = stateIn(await requests.ask(reading(`${documentPath(type, key)}${shown}`, options)));
      return { state: asView<C>(state), at };
    },
    async create(type, key, input): Promise<Position> {
      const path = documentPath(type, key);
      const { epoch, seq } = receiptIn(await requests.ask(posting(path, input)), 1);
      return { epoch, seq };
    },
    async list(type, page = {}) {
      if (!isTypeName(type)) throw new TidemarkError("unknown_type");
      return readPage(await requests.ask(reading(`/v1/docs/${type}${query({ ...page })}`)));
    },
    async delete(type, key): Promise<void> {
      await requests.ask(deleting(documentPath(type, key)));
    },
    async history(type, key, page = {}): Promise<readonly LogEntry[]> {
      const { entries } = objectOf(
        await requests.ask(reading(`${documentPath(type, key)}/history${query({ ...page })}`)),
      );
      return asLogEntries(entries);
    },
    async token(claims): Promise<string> {
      const { token } = objectOf(await requests.ask(posting("/v1/connect-tokens", tokenRequest(claims))));
      if (typeof token !== "string") throw unreadable();
      return token;
    },
    async revoke(what): Promise<void> {
      await requests.ask(posting("/v1/revocations", what));
    },
  };
}

function stateIn(body: Json): { readonly state: JsonObject; readonly at: Position } {
  const { state } = objectOf(body);
  const { epoch, seq } = receiptIn(body, 1);
  if (!isObject(state)) throw unreadable();
  return { state, at: { epoch, seq } };
}

/** The service knows how long a connection may last and how soon its token must be shown; here it is one short time. */
function tokenRequest({ ttlSeconds = TTL_SECONDS.default, ...claims }: TokenClaims): object {
  if (ttlSeconds > 0 && ttlSeconds <= TTL_SECONDS.max) return { ...claims, sessionSeconds: ttlSeconds };
  const data = [{ path: "/ttlSeconds", expected: `a number of seconds, at most ${TTL_SECONDS.max}` }];
  throw new TidemarkError("invalid_input", { data });
}

function objectOf(body: Json): JsonObject {
  if (!isObject(body)) throw unreadable();
  return body;
}
