// `defineApp`: puts document types together, and who may come in.
import { type App, CHANNEL_TYPE, type Contract, isTypeName, type Json } from "@tidemark/protocol";
import { type ChannelRules, resolveChannels } from "../channels/channel-rules.js";
import { channelType } from "../channels/channel-type.js";
import type { Grant } from "../grants.js";
import type { DocumentType } from "./definition.js";
import { DefinitionError, kindOf, requireRecord } from "./definition-error.js";
import { isDocumentType, RESOLVED_TYPE, type ResolvedType } from "./resolved-type.js";

/** What `authenticate` answers. */
export interface Identity {
  readonly id: string;
  readonly roles?: readonly string[];
  readonly claims?: { readonly [name: string]: Json };
  readonly grants?: readonly Grant[];
  /** Unix milliseconds; nothing is sent past it. Default: an hour from now. */
  readonly expiresAt?: number;
  /** A number that the token can be revoked by. */
  readonly tokenId?: string;
  /** When the token was issued, Unix milliseconds. Without it, a revocation of its subject refuses it too. */
  readonly issuedAt?: number;
  /** The tenant; one per session. Default: the empty one. */
  readonly space?: string;
}

type Authenticate = (token: string) => Identity | null | Promise<Identity | null>;

/** An application, ready to be served. Document types by name. */
export interface ResolvedApp {
  readonly types: ReadonlyMap<string, ResolvedType>;
  readonly authenticate?: Authenticate;
}

const RESOLVED_APP: unique symbol = Symbol.for("tidemark.app");

/** Puts document types together. Without `authenticate`, tokens are JWTs verified with the configured keys. */
export function defineApp<Documents extends { readonly [K in keyof Documents]: DocumentType }>(definition: {
  readonly documents: Documents;
  /** Null refuses the token. Must answer within 10 s. */
  readonly authenticate?: (token: string) => Identity | null | Promise<Identity | null>;
  /** How channels behave, by name pattern; the first match wins. Without a match the defaults hold. E.g. `{ "chat-*": { history: { days: 30 } } }`. */
  readonly channels?: { readonly [pattern: string]: ChannelRules };
}): App<{ readonly [K in keyof Documents]: Documents[K]["~contract"] }>;
export function defineApp(definition: object): App<{ readonly [type: string]: Contract }> {
  return new DefinedApp(resolveAppDefinition(definition));
}

/** An application without document types: channels are all it has. */
export const channelsOnly = (): ResolvedApp => resolveAppDefinition({ documents: {} });

/** The resolved form of an application; throws `DefinitionError` for a value that `defineApp` did not make. */
export function resolveApp(app: App): ResolvedApp {
  const value: unknown = app;
  if (isApp(value)) return value[RESOLVED_APP];
  throw new DefinitionError("app", `must be made by defineApp({...}), but is ${kindOf(value)}.`);
}

function resolveAppDefinition(definition: unknown): ResolvedApp {
  const { documents, authenticate, channels, ...others } = requireRecord("definition", definition);
  const other = Object.keys(others)[0];
  if (other !== undefined) throw new DefinitionError(other, "is not a property of an application.");
  const types = resolveTypes(documents).set(CHANNEL_TYPE, channelType(resolveChannels(channels)));
  if (authenticate === undefined) return { types };
  if (!isAuthenticate(authenticate)) {
    throw new DefinitionError("authenticate", `must be a function, but is ${kindOf(authenticate)}.`);
  }
  return { types, authenticate };
}

function resolveTypes(documents: unknown): Map<string, ResolvedType> {
  if (documents === undefined) throw new DefinitionError("documents", "is required.");
  return new Map(
    Object.entries(requireRecord("documents", documents)).map(([name, type]) => {
      const property = `documents.${name}`;
      if (!isTypeName(name)) {
        throw new DefinitionError(property, "must be a type name: a letter, then letters, digits, _ or -, at most 64.");
      }
      if (name === CHANNEL_TYPE) {
        throw new DefinitionError(property, "is the name of the built-in channels: choose another.");
      }
      if (!isDocumentType(type)) {
        throw new DefinitionError(property, `must be made by documentType({...}), but is ${kindOf(type)}.`);
      }
      return [name, type[RESOLVED_TYPE]];
    }),
  );
}

function isAuthenticate(value: unknown): value is Authenticate {
  return typeof value === "function";
}

function isApp(value: unknown): value is { readonly [RESOLVED_APP]: ResolvedApp } {
  return typeof value === "object" && value !== null && RESOLVED_APP in value;
}

/** The value behind `App`. Its contracts exist for the compiler only. */
class DefinedApp implements App<never> {
  readonly [RESOLVED_APP]: ResolvedApp;

  constructor(resolved: ResolvedApp) {
    this[RESOLVED_APP] = resolved;
    Object.freeze(this);
  }

  get "~contracts"(): never {
    throw new DefinitionError("~contracts", "exists as a type only.");
  }
}
