// What backends see of the service over HTTP. Types only; backend/ implements them.
import type { AnyApp, At, Json, TidemarkError, TypeName, View } from "@tidemark/protocol";
import type { Askers, CallOptions, Receipt, Senders } from "./call.js";
import type { Position } from "./position.js";
import type { KeyPage, Service } from "./tide.js";

/** Options of `server`. */
export interface ServerOptions {
  /** `https://host`, with a path if the service is behind one. */
  readonly url: string;
  /** An API key, or any other token that the service knows. It goes into the `Authorization` header and nowhere else. */
  readonly key: string;
  /** Default for each request; 30,000. */
  readonly deadlineMs?: number;
}

/** What a token may do besides the rules of the types. `doc` is `type/key`, where the key may end in `*`. */
export interface Grant {
  readonly doc: string;
  readonly may: readonly ("open" | "call" | "publish" | "presence" | "create" | "delete" | "list" | "history")[];
}

/** One message of several. */
export interface Publication {
  readonly channel: string;
  readonly event: string;
  readonly data: Json;
}

/** For whom a connect token is. */
export interface TokenClaims {
  /** The id of a person or program, as the application knows them. */
  readonly sub: string;
  /** At most those of the key. */
  readonly grants?: readonly Grant[];
  readonly roles?: readonly string[];
  readonly claims?: { readonly [name: string]: Json };
  /** How long what was connected with it stays; default 300, at most 86,400. */
  readonly ttlSeconds?: number;
  /** How soon it must be shown; default 30, at most 300. It can be shown once. */
  readonly withinSeconds?: number;
}

/**
 * What another backend may do with an API key. Each call is one POST with an idempotency key of its own, sent again under
 * it until there is an answer or its deadline has passed. All reject with TidemarkError: `outcome` is `rejected` when it
 * was certainly not applied, and `unknown` when it may have been. `deadlineMs` is at most 24 hours here.
 */
export interface ServerClient<A extends AnyApp> {
  /** Resolves when the message is durable. `data` of undefined is null. */
  publish(channel: string, event: string, data: Json, options?: Waiting): Promise<Receipt>;
  /**
   * Up to 100 in one request, in order; the answers too. Rejects with SomeRefusedError when there is one that was not
   * published, which holds up no other.
   */
  publish(batch: readonly Publication[], options?: Waiting): Promise<readonly Receipt[]>;
  /** Messages and queries: resolves when durable. */
  call<K extends TypeName<A>>(type: K, key: string): Senders<At<A, K>> & Askers<At<A, K>>;
  /** One view, once; at an older seq with `seq` (needs `canHistory`). */
  get<K extends TypeName<A>>(
    type: K,
    key: string,
    options?: { readonly params?: At<A, K>["params"]; readonly seq?: number } & Waiting,
  ): Promise<{ readonly state: View<At<A, K>>; readonly at: Position }>;
  readonly create: Service<A>["create"];
  /** By key, `limit` at most 1,000 (default 100); pass `next` as `after`. */
  list<K extends TypeName<A>>(type: K, page?: { readonly after?: string; readonly limit?: number }): Promise<KeyPage>;
  readonly delete: Service<A>["delete"];
  readonly history: Service<A>["history"];
  /** A connect token for a browser; a key needs the power `tokens` for it. */
  token(claims: TokenClaims): Promise<string>;
  /** Effective everywhere within 5 s; open sockets are closed. A key needs the power `revocations` for it. */
  revoke(what: { readonly sub: string } | { readonly jti: string }): Promise<void>;
}

/** How long to wait for it. */
export type Waiting = Pick<CallOptions, "signal" | "deadlineMs">;

/** One message of several: where it landed, or why it did not. */
export type Published = Receipt | TidemarkError;
