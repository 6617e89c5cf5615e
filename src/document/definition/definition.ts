// The type of everything `documentType` accepts. Schemas are fixed by TypeScript before any function is looked at, so
// inference runs in one direction. It owns no value.
import type { Contract, DeepReadonly, Draft, Principal } from "@tidemark/protocol";
import type { MessageBuilder, QueryBuilder } from "./builders.js";
import type { Context, InitContext } from "./context.js";
import type { Schema } from "./schema.js";
import type { StoredDocument, TaskHandler, TaskInput, TaskOutput } from "./task.js";

/** An event. `audience` sees only the data and a viewer's `mine` key, so that it means the same at a replay. */
export interface EventDefinition<Data> {
  readonly data: Schema<Data>;
  readonly audience?: (data: DeepReadonly<Data>, viewKey: string) => boolean;
}

/** How much of the log is kept beside the newest snapshot; the tighter bound wins. */
export type History = "forever" | { readonly deltas?: number; readonly days?: number };

/** What an index may hold; at most 256 bytes. */
export type IndexValue = string | number | boolean | null;

/** What a viewer's client holds: the shared layer, and `mine` on top when there is one. */
export type Layers<Shared, Mine> = [Mine] extends [undefined] ? Draft<Shared> : Draft<Shared & { mine: Mine }>;

type NoTransform<In, Out> = [In] extends [Out] ? unknown : "a state schema may not transform, default or coerce";
type Handlers<Name extends string, Declared, H> =
  // biome-ignore lint/complexity/noBannedTypes: `{}` asks whether nothing is declared.
  {} extends Declared ? { readonly [N in Name]?: H } : { readonly [N in Name]: H };

/** Everything `documentType` accepts. Only `state`, `init` and `messages` are required. */
export type Definition<
  State extends object,
  StateIn,
  Hidden extends keyof State,
  Shared extends object,
  Mine,
  Messages,
  Queries,
  Events,
  Timers,
  Tasks,
  Signals,
  Presence,
  ParamsIn,
  Params,
  CreateIn,
  Create,
  Indexes,
> = {
  /** JSON only, an object at the root; checked at each written path, not as a whole. */
  readonly state: Schema<StateIn, State> & NoTransform<StateIn, State>;
  readonly events?: { readonly [K in keyof Events]: EventDefinition<Events[K]> };
  readonly timers?: { readonly [K in keyof Timers]: Schema<Timers[K]> };
  readonly tasks?: Tasks;
  /** Ephemeral messages from one subscriber to the others: not logged, may be dropped; 20 a second of each connection. */
  readonly signals?: { readonly [K in keyof Signals]: Schema<Signals[K]> };
  /** Metadata each subscriber may show to the others, at most 1 KiB. Absent: the type has no presence. */
  readonly presence?: Schema<Presence>;
  /** What a viewer may pass at `open` to narrow its view. Must accept `{}`. */
  readonly params?: Schema<ParamsIn, Params>;
  /** What the creator passes. Absent: nothing. */
  readonly create?: Schema<CreateIn, Create>;

  /** The first state. */
  // NoInfer: else `{ cards: {} }` returned here would widen the state.
  readonly init: (ctx: InitContext<Events, Timers, Tasks>, input: Create) => NoInfer<State>;
  readonly messages: (message: MessageBuilder<State, Events, Timers, Tasks>) => Messages;
  readonly queries?: (query: QueryBuilder<State>) => Queries;

  /** Default: nobody but API keys. */
  readonly canCreate?: (caller: Principal, key: string) => boolean;
  /** Default: every authenticated principal. Asked again when what it read changes; false ends the stream `denied`. */
  readonly canOpen?: (viewer: Principal, state: DeepReadonly<State>, key: string) => boolean;
  /** Default: nobody but API keys. `where` is what the caller filters by. */
  readonly canList?: (caller: Principal, where: Partial<Indexes>) => boolean;
  /** Default: nobody but API keys. The log is not filtered by views. */
  readonly canHistory?: (caller: Principal, state: DeepReadonly<State>, key: string) => boolean;
  /** Default: nobody but API keys. */
  readonly canDelete?: (caller: Principal, state: DeepReadonly<State>, key: string) => boolean;

  /** Parts of the state that no subscriber sees; filtered by path, so it costs nothing. `shared` and `mine` may derive from them. */
  readonly hidden?: readonly Hidden[];
  /** What everybody sees; computed and encoded once for all. Default: the state without its hidden parts. */
  readonly shared?: (state: DeepReadonly<State>, params: Params) => Shared;
  /** What one viewer sees on top, at `state.mine`; computed once per key. `of` gets the key, never the viewer. Beside `hidden` or `shared` only. */
  readonly mine?: {
    readonly key: (viewer: Principal) => string;
    readonly of: (state: DeepReadonly<State>, key: string, params: Params) => Mine;
  };

  /** Durable "who is here", per principal, debounced. */
  readonly members?: {
    /** How long one may be away before `left`; default 10,000. */
    readonly graceMs?: number;
    readonly joined?: (ctx: Context<State, Events, Timers, Tasks>, who: Principal) => void;
    readonly left?: (ctx: Context<State, Events, Timers, Tasks>, id: string) => void;
  };

  /** Default `{ deltas: 10_000, days: 7 }`. */
  readonly history?: History;
  /** Values `service.list` can filter by; at most 8. */
  readonly indexes?: { readonly [K in keyof Indexes]: (state: DeepReadonly<State>) => Indexes[K] };
  /** Send the caller's id with each delta as `change.by`; default false. */
  readonly revealAuthor?: boolean;
  /** Default 1. One step in `migrate` for each version above 1. */
  readonly version?: number;
  readonly migrate?: { readonly [toVersion: number]: (document: StoredDocument) => StoredDocument };
  /** Clients built against an older version are ended with `upgrade`; default 1. */
  readonly clientMin?: number;
  /** Merged deltas at this pace for subscribers that do not ask for another: at most one update per so many milliseconds,
   * up to 60,000; default 0: every commit. A caller's own change comes with its answer. */
  readonly everyMs?: number;
} & (
  | { readonly mine?: never }
  | { readonly hidden: readonly Hidden[] }
  | { readonly shared: (state: DeepReadonly<State>, params: Params) => Shared }
) &
  Handlers<
    "onTimer",
    Timers,
    { readonly [K in keyof Timers]: (ctx: Context<State, Events, Timers, Tasks>, data: Timers[K]) => void }
  > &
  Handlers<
    "onTask",
    Tasks,
    {
      readonly [K in keyof Tasks]: TaskHandler<
        TaskInput<Tasks[K]>,
        TaskOutput<Tasks[K]>,
        Context<State, Events, Timers, Tasks>
      >;
    }
  >;

/** A defined document type. */
export interface DocumentType<C extends Contract = Contract> {
  readonly "~contract": C;
}
