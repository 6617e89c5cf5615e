// The form in which the document room uses a definition: checked, compiled, with nothing left to look up. It is hung on
// the opaque `DocumentType` under a registered symbol, so that it is found whichever copy of the package made it.
import type { DeepReadonly, Principal } from "@tidemark/protocol";
import type { $ZodTypes } from "zod/v4/core";
import type { HiddenParts } from "../views/hidden.js";
import type { EventAudience, ShownRows } from "../views/shown-rows.js";
import type { CompiledInput } from "./compiled-input.js";
import type { DocumentType } from "./definition.js";
import { DefinitionError, kindOf } from "./definition-error.js";
import type { CompiledState } from "./state/compiled-state.js";

/** How much of the log is kept: all of it, or what both bounds allow. */
export type ResolvedHistory = "forever" | { readonly deltas: number; readonly days: number };

/** One message. `input` undefined: it takes none, and anything but an absent or null input is `invalid_input`. */
export interface ResolvedMessage {
  readonly input: CompiledInput | undefined;
  /** Whatever it returns or throws is the author's: a promise is not refused here. */
  run(ctx: unknown, input: unknown): unknown;
  can?(ctx: unknown, input: unknown): boolean;
}

/** One query: the same shape, run over a frozen state. */
export type ResolvedQuery = ResolvedMessage;

type StateRule = (principal: Principal, state: DeepReadonly<object>, key: string) => boolean;

/** What viewers see instead of the whole state. What the functions return or throw is the author's. */
export interface ResolvedViews {
  shared(state: object, params: unknown): unknown;
  readonly mine:
    | {
        /** Throws TypeError for what is no string. */
        key(viewer: Principal): string;
        of(state: object, key: string, params: unknown): unknown;
      }
    | undefined;
  /** Source text of the functions: another build of them may see another thing in the same state. */
  readonly sources: readonly string[];
}

/** What each event's data must be; undefined: there is no such event. */
export interface EventSchemas {
  get(event: string): CompiledInput | undefined;
}

/** What a type of channels is besides. */
export interface ChannelTraits {
  /** Who follows it may be seen on it. */
  readonly presence: boolean;
  /** The type of one channel: which rules it has goes by its name. */
  named(key: string): ResolvedType;
}

/** What followers may say to each other. */
export interface ResolvedPeers {
  readonly signals: { get(name: string): CompiledInput | undefined };
  /** Undefined: nobody is shown who is present. */
  readonly presence: CompiledInput | undefined;
}

/** What a document does when somebody comes, and when they have gone. What the functions return or throw is the
 * author's. */
export interface ResolvedMembers {
  readonly graceMs: number;
  readonly joined: ((ctx: unknown, who: Principal) => unknown) | undefined;
  readonly left: ((ctx: unknown, id: string) => unknown) | undefined;
}

/** A document type, ready to be hosted. An access rule that is undefined has the default of API.md. */
export interface ResolvedType {
  readonly version: number;
  readonly state: CompiledState;
  /** What `state` was compiled from, for descriptions. It names hidden parts too. */
  readonly stateSchema: $ZodTypes;
  /** Undefined: the creator passes nothing, null or true. */
  readonly create: CompiledInput | undefined;
  init(ctx: unknown, input: unknown): unknown;
  readonly messages: ReadonlyMap<string, ResolvedMessage>;
  readonly queries: ReadonlyMap<string, ResolvedQuery>;
  readonly events: EventSchemas;
  /** Of the events that not everybody hears. */
  readonly audiences: ReadonlyMap<string, EventAudience>;
  readonly canCreate: ((caller: Principal, key: string) => boolean) | undefined;
  readonly canOpen: StateRule | undefined;
  readonly canList: ((caller: Principal, where: Readonly<Record<string, unknown>>) => boolean) | undefined;
  readonly canHistory: StateRule | undefined;
  readonly canDelete: StateRule | undefined;
  readonly history: ResolvedHistory;
  /** Undefined: every part is shown. */
  readonly hidden: HiddenParts | undefined;
  /** What subscribers share of the log; undefined: all of it, and views are computed of all of it. */
  readonly shown: ShownRows | undefined;
  /** Undefined: subscribers share the log. */
  readonly views: ResolvedViews | undefined;
  /** Undefined: nothing, and nothing is kept of who follows. */
  readonly peers: ResolvedPeers | undefined;
  /** Undefined: it does not keep who is here. */
  readonly members: ResolvedMembers | undefined;
  /** What a viewer may pass; undefined: nothing. */
  readonly params: CompiledInput | undefined;
  /** Of positions in the log: empty for a type without hidden parts. Those of views have tags of their own. */
  readonly tag: string;
  readonly revealAuthor: boolean;
  /** The pace of subscribers that ask for none; 0: every commit. */
  readonly everyMs: number;
  /** Whose grant stands in for `canOpen` at messages and queries without a rule of their own. */
  readonly callRight: "call" | "publish";
  /** Undefined: documents of this type are no channels. A channel needs nobody to create it. */
  readonly channel: ChannelTraits | undefined;
}

/** Where a `DocumentType` keeps its resolved form: the same symbol in every copy of this package. */
export const RESOLVED_TYPE: unique symbol = Symbol.for("tidemark.documentType");

/** Whether a value was made by `documentType`, of this or another copy of the package. */
export function isDocumentType(value: unknown): value is { readonly [RESOLVED_TYPE]: ResolvedType } {
  return typeof value === "object" && value !== null && RESOLVED_TYPE in value;
}

/** The resolved form; throws `DefinitionError` for a value that `documentType` did not make. */
export function resolveType(type: DocumentType, property = "documents"): ResolvedType {
  const value: unknown = type;
  if (isDocumentType(value)) return value[RESOLVED_TYPE];
  throw new DefinitionError(property, `must be made by documentType(...), but is ${kindOf(value)}.`);
}
