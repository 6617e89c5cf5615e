// `documentType`: checks a definition at start-up and makes the opaque type that applications and clients name.
import type { Message, Query } from "@tidemark/protocol";
import type { Definition, DocumentType, IndexValue, Layers } from "./definition.js";
import { DefinitionError } from "./definition-error.js";
import { resolveDefinition } from "./resolve-definition.js";
import { RESOLVED_TYPE, type ResolvedType } from "./resolved-type.js";
import type { AnyTask } from "./task.js";

/** Defines a document type. Throws `DefinitionError` at start-up, naming the field, when the definition cannot work. */
export function documentType<
  State extends object,
  StateIn,
  Messages extends { readonly [K in keyof Messages]: Message },
  Hidden extends keyof State = never,
  Shared extends object = Omit<State, Hidden>,
  Mine = undefined,
  // biome-ignore-start lint/complexity/noBannedTypes: `{}` is the record of nothing.
  Queries extends { readonly [K in keyof Queries]: Query } = {},
  Events extends object = {},
  Timers = {},
  Tasks extends { readonly [K in keyof Tasks]: AnyTask } = {},
  Signals extends object = {},
  Presence = never,
  ParamsIn = {},
  Params = {},
  CreateIn = true,
  Create = undefined,
  Indexes extends { readonly [K in keyof Indexes]: IndexValue } = {},
  // biome-ignore-end lint/complexity/noBannedTypes: as above
>(
  definition: Definition<
    State,
    StateIn,
    Hidden,
    Shared,
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
    Indexes
  >,
): DocumentType<{
  readonly view: Layers<Shared, Mine>;
  readonly messages: Messages;
  readonly queries: Queries;
  readonly events: Events;
  readonly signals: Signals;
  readonly presence: Presence;
  readonly params: ParamsIn;
  readonly create: CreateIn;
  readonly indexes: Indexes;
}>;
export function documentType(definition: object): DocumentType<never> {
  return new DefinedType(resolveDefinition(definition));
}

/** The value behind `DocumentType`. Its contract exists for the compiler only. */
class DefinedType implements DocumentType<never> {
  readonly [RESOLVED_TYPE]: ResolvedType;

  constructor(resolved: ResolvedType) {
    this[RESOLVED_TYPE] = resolved;
    Object.freeze(this);
  }

  get "~contract"(): never {
    throw new DefinitionError("~contract", "exists as a type only.");
  }
}
