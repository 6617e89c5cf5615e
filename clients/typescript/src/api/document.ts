// What applications see of a followed document. Types only; documents/ implements them.
import type {
  AnyApp,
  At,
  Contract,
  DeepReadonly,
  JsonPatchOperation,
  TidemarkError,
  TypeName,
  View,
} from "@tidemark/protocol";
import type { Askers, Senders } from "./call.js";
import type { Position } from "./position.js";
import type { Presence } from "./presence.js";

/** Stops a listener; safe to call twice. */
export type Unsubscribe = () => void;

/** Why a snapshot replaced the state. */
export type ResetReason = "behind" | "other_history" | "view_changed" | "slow_reader" | "diverged";

/** Why the state changed. `patch` is exact, but not stable across a reset: use `watch` to follow collections. */
export type Change =
  | { readonly cause: "first"; readonly at: Position }
  | {
      readonly cause: "delta";
      readonly at: Position;
      readonly patch: readonly JsonPatchOperation[];
      /** The author, when the type reveals authors and all of the change has one. */
      readonly by?: string;
    }
  | {
      readonly cause: "reset";
      readonly at: Position;
      readonly patch: readonly JsonPatchOperation[];
      readonly reason: ResetReason;
    };

/**
 * Where a document stands. `connecting`: the first payload is awaited. `live`: within two heartbeats of the head.
 * `stale`: a reconnect, a resync, or silence for two heartbeats; what is shown is the last known. `offline`: the network
 * is known to be down. `denied` (state is erased) and `ended` are final and have an `error`. `closed`: you closed it.
 */
export type Status = "connecting" | "live" | "stale" | "offline" | "denied" | "ended" | "closed";

/** How old what is shown may be. */
export interface Staleness {
  /** When it was last known to be live: the last sign of life before doubt began. Unix ms by this machine's clock. */
  readonly since: number;
  /** Commits that are known to be missing; undefined when that is unknown. There may be more. */
  readonly behind: number | undefined;
}

/** Called after the state has moved, live and after a reset alike. */
export interface ItemObserver<Item> {
  readonly added?: (item: Item, key: string) => void;
  readonly changed?: (item: Item, key: string, previous: Item) => void;
  readonly removed?: (item: Item, key: string) => void;
}

/** Listeners for a collection: a record, or an array with a `key`. What is there already comes as `added`. */
export type Observer<Collection> = Collection extends readonly (infer Item)[]
  ? ItemObserver<Item> & { readonly key: (item: Item) => string }
  : Collection extends { readonly [key: string]: infer Item }
    ? ItemObserver<Item>
    : never;

/**
 * A type's events, and the reserved `gap`: events in (from, to] are lost. Where the document was put back to an older
 * state, `from` is 0: nobody can tell which of the events that were seen are still part of it.
 */
export type EventMap<C extends Contract> = C["events"] & { gap: { from: number; to: number } };

/**
 * Options of `open`. Fixed for this subscription: to change one, close and open. Openings with equal `params` and
 * `everyMs` share a stream.
 */
export interface OpenOptions<C extends Contract> {
  /** What narrows the view; default `{}`. */
  readonly params?: C["params"];
  /** Create the document if it is absent; `true`, or what the type's `create` schema asks for. */
  readonly create?: C["create"];
  /**
   * At most one update in so many milliseconds, rounded up; several transactions then arrive as one change. 0: every
   * commit. Default: what the type says. What this client sends is shown at once all the same.
   */
  readonly everyMs?: number;
  /** Shown to the others who follow the document, from the start; default: hidden. Each opening has its own. */
  readonly presence?: C["presence"];
}

/** What `probe` found out: the seq held, the sequencer's, and the round trip. */
export interface Probe {
  readonly seq: number;
  readonly head: number;
  readonly rttMs: number;
}

/** What `audit` found out. */
export interface Audit {
  /** Where both were compared; the server's, when they could not be. */
  readonly at: Position;
  /** Undefined: the document moved on each time it was looked at. */
  readonly equal: boolean | undefined;
}

/**
 * A followed document. Iterating yields the newest state, skipping what a slow loop missed; it ends at `close` and
 * throws the `error` of a document that was denied or ended.
 */
export interface LiveDocument<C extends Contract> extends AsyncIterable<View<C>> {
  /** Undefined until the first payload, then immutable. Equal subtrees stay `===`. */
  readonly state: View<C> | undefined;
  /** What the server has committed. */
  readonly confirmed: View<C> | undefined;
  readonly position: Position | undefined;
  readonly status: Status;
  /** Set while `stale`, and while `offline` with a state to show. */
  readonly staleness: Staleness | undefined;
  /** Set while `denied` or `ended`. */
  readonly error: TidemarkError | undefined;
  readonly send: Senders<C>;
  readonly query: Askers<C>;
  /** Who else is there. Of a type that has presence. */
  readonly presence: [C["presence"]] extends [never] ? undefined : Presence<C["presence"]>;
  /** Called once with what is there (`first`), then once per frame, after all of it is in place. */
  subscribe(listener: (state: View<C>, change: Change) => void): Unsubscribe;
  /** Follows a record, or an array by `key`. */
  watch<Collection>(select: (state: View<C>) => Collection, observer: Observer<NonNullable<Collection>>): Unsubscribe;
  /** Events as they are applied, after the state that came with them. */
  on<K extends keyof EventMap<C> & string>(
    event: K,
    listener: (data: DeepReadonly<EventMap<C>[K]>, at: Position) => void,
  ): Unsubscribe;
  /**
   * To all other connections that follow the document, at once or never: it is dropped unless the document is `live`, kept
   * nowhere, and may be lost. At most 20 a second of one connection. Throws TidemarkError `invalid_input` for what is not
   * JSON; what the type refuses is reported, as no caller waits.
   */
  signal<K extends keyof C["signals"] & string>(signal: K, data: C["signals"][K]): void;
  /** `peer` is the sender as `presence` lists them. */
  onSignal<K extends keyof C["signals"] & string>(
    signal: K,
    listener: (data: DeepReadonly<C["signals"][K]>, peer: string) => void,
  ): Unsubscribe;
  onStatus(listener: (status: Status) => void): Unsubscribe;
  /** Asks the sequencer now, end to end, and the connection with it. Heals a difference it finds. */
  probe(): Promise<Probe>;
  /**
   * Compares the whole of what is held with what the server would show now, by value: finds what no position tells. It
   * costs as much as a snapshot. Heals a difference, and counts it.
   */
  audit(): Promise<Audit>;
  /** Gives this opening back; the last one closes the stream after 5 s. */
  close(): void;
}

/** What `open` returns, under a short name for signatures: `(board: OpenDocument<App, "board">) => void`. */
export interface OpenDocument<A extends AnyApp, K extends TypeName<A>> extends LiveDocument<At<A, K>> {}
