// The flat types by which a server's document types and their clients meet: what a client may know of a type, in one
// phantom property. It owns no value and no behaviour, and never mentions a schema or a handler.
import type { JsonObject } from "./json.js";

type Primitive = string | number | boolean | null | undefined;

/** The type of every value Tidemark hands out: nothing in it can be assigned. */
export type DeepReadonly<T> = T extends Primitive
  ? T
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The opposite: what an optimistic function may write to. */
export type Draft<T> = T extends Primitive ? T : T extends object ? { -readonly [K in keyof T]: Draft<T[K]> } : T;

/** Who is speaking. `id` is the token's `sub`; an API key is `key:<name>` with the role `service`. */
export interface Principal {
  readonly id: string;
  readonly roles: readonly string[];
  readonly claims: JsonObject;
}

/** A message as clients see it. */
export interface Message<In = unknown, Out = unknown> {
  readonly in: In;
  readonly out: Out;
}

/** A query as clients see it. */
export interface Query<In = unknown, Out = unknown> {
  readonly in: In;
  readonly out: Out;
}

/** Everything a client knows about a document type: plain types, in one phantom property. */
export interface Contract {
  readonly view: object;
  readonly messages: { readonly [name: string]: Message };
  readonly queries: { readonly [name: string]: Query };
  readonly events: object;
  readonly signals: object;
  readonly presence: unknown;
  readonly params: unknown;
  readonly create: unknown;
  readonly indexes: object;
}

/** An application: pass `typeof app` to clients. */
// biome-ignore lint/complexity/noBannedTypes: `{}` is the application without document types.
export interface App<Contracts extends { readonly [K in keyof Contracts]: Contract } = {}> {
  readonly "~contracts": Contracts;
}

/** Any application at all. */
export type AnyApp = App<{ readonly [type: string]: Contract }> | App;

/** The names of an application's document types. */
export type TypeName<A extends AnyApp> = keyof A["~contracts"] & string;

/** The contract of one of them. */
export type At<A extends AnyApp, K> = K extends keyof A["~contracts"]
  ? A["~contracts"][K] extends infer C extends Contract
    ? C
    : never
  : never;

/** What a client of this contract sees. */
export type View<C extends Contract> = DeepReadonly<C["view"]>;
