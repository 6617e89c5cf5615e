// Turns what an author wrote into a `ResolvedType`, or says by name which property cannot work. It trusts nothing: the
// types stop a TypeScript author, not one of JavaScript.

import { LIMITS } from "@tidemark/protocol";
import { type EventAudience, ShownRows } from "../views/shown-rows.js";
import { viewTag } from "../views/tag.js";
import { builder, Declared } from "./builders.js";
import { type CompiledInput, compileDeclared } from "./compiled-input.js";
import { DefinitionError, isRecord, kindOf, requireRecord } from "./definition-error.js";
import { requireIdentifier } from "./identifier.js";
import { refuseAsync } from "./refuse-async.js";
import { refuseSlowPatterns } from "./refuse-slow-patterns.js";
import { resolveHidden } from "./resolve-hidden.js";
import { resolveHistory } from "./resolve-history.js";
import { resolveMembers } from "./resolve-members.js";
import { resolvePeers } from "./resolve-peers.js";
import { resolveParams, resolveViews } from "./resolve-views.js";
import type { ResolvedMessage, ResolvedType } from "./resolved-type.js";
import { requireSchema } from "./schema.js";
import { compileState } from "./state/compiled-state.js";
import { refuseUnsupported } from "./unsupported.js";

type Raw = Readonly<Record<string, unknown>>;
type AnyFunction = (...parts: readonly unknown[]) => unknown;

const knownProperties = new Set([
  "state",
  "events",
  "timers",
  "tasks",
  "signals",
  "presence",
  "params",
  "create",
  "init",
  "messages",
  "queries",
  "canCreate",
  "canOpen",
  "canList",
  "canHistory",
  "canDelete",
  "hidden",
  "shared",
  "mine",
  "members",
  "history",
  "indexes",
  "revealAuthor",
  "version",
  "migrate",
  "clientMin",
  "everyMs",
  "onTimer",
  "onTask",
]);

const historyDefault = { deltas: 10_000, days: 7 };

/** Checks a definition; throws `DefinitionError` naming the first property that cannot work. */
export function resolveDefinition(definition: unknown): ResolvedType {
  const raw = requireRecord("definition", definition);
  refuseUnsupported(raw);
  for (const property of Object.keys(raw)) {
    if (!knownProperties.has(property)) throw new DefinitionError(property, "is not a property of a document type.");
  }
  const messages = resolveEntries(raw, "message", required(raw, "messages"));
  const queries = resolveEntries(raw, "query", optional(raw, "queries"));
  refuseSharedNames(messages, queries);
  refuseAsync("state", raw.state);
  refuseSlowPatterns("state", raw.state);
  const stateSchema = requireSchema("state", raw.state);
  const state = compileState(stateSchema);
  const hidden = resolveHidden(raw.hidden, state);
  const audiences = resolveAudiences(raw.events);
  const views = resolveViews(raw, hidden);
  const version = 1;
  return {
    version,
    state,
    stateSchema,
    create: raw.create === undefined ? undefined : compileDeclared("create", raw.create),
    init: required(raw, "init"),
    messages,
    queries,
    events: resolveEvents(raw.events),
    audiences,
    ...accessRules(raw),
    history: resolveHistory("history", raw.history, historyDefault),
    hidden,
    views,
    peers: resolvePeers(raw),
    members: resolveMembers(raw.members, requireFunction),
    shown:
      views === undefined && (hidden ?? [...audiences][0]) !== undefined ? new ShownRows(hidden, audiences) : undefined,
    params: resolveParams(raw.params, views),
    tag: hidden === undefined ? "" : viewTag({ version, hidden }),
    revealAuthor: resolveFlag(raw, "revealAuthor"),
    everyMs: resolvePace(raw.everyMs),
    callRight: "call",
    channel: undefined,
  };
}

function resolveEntries(
  raw: Raw,
  kind: Declared["builder"],
  declare: AnyFunction | undefined,
): ReadonlyMap<string, ResolvedMessage> {
  const property = kind === "message" ? "messages" : "queries";
  if (declare === undefined) return new Map();
  const declared = declare.call(raw, builder(kind));
  const entries = Object.entries(requireRecord(property, declared));
  return new Map(entries.map(([name, entry]) => [name, resolveEntry(kind, `${property}.${name}`, name, entry)]));
}

function resolveEntry(kind: Declared["builder"], property: string, name: string, entry: unknown): ResolvedMessage {
  requireIdentifier(property, name);
  if (!(entry instanceof Declared) || entry.builder !== kind) {
    throw new DefinitionError(property, `must be declared by ${kind}(...), but is ${kindOf(entry)}.`);
  }
  const [schema, handler, can] = entry.parts;
  if (entry.parts.length === 1) return { input: undefined, run: requireFunction(property, schema) };
  const input = compileDeclared(`${property} (input)`, schema);
  const run = requireFunction(`${property} (handler)`, handler);
  if (can === undefined) return { input, run };
  return { input, run, can: asRule(requireFunction(`${property} (can)`, can)) };
}

function resolveEvents(events: unknown): ReadonlyMap<string, CompiledInput> {
  if (events === undefined) return new Map();
  const entries = Object.entries(requireRecord("events", events));
  return new Map(entries.map(([name, event]) => [name, resolveEvent(`events.${name}`, name, event)]));
}

function resolveEvent(property: string, name: string, event: unknown): CompiledInput {
  requireIdentifier(property, name);
  if (name === "gap") throw new DefinitionError(property, "is reserved: clients learn by it that events are lost.");
  const { data, audience: _audience, ...others } = requireRecord(property, event);
  const other = Object.keys(others).find((key) => others[key] !== undefined);
  if (other !== undefined) throw new DefinitionError(`${property}.${other}`, "is not a property of an event.");
  return compileDeclared(`${property}.data`, data);
}

function resolveAudiences(events: unknown): ReadonlyMap<string, EventAudience> {
  if (!isRecord(events)) return new Map();
  const audiences = Object.entries(events).flatMap(([name, event]): [string, EventAudience][] => {
    if (!isRecord(event) || event.audience === undefined) return [];
    return [[name, asRule(requireFunction(`events.${name}.audience`, event.audience))]];
  });
  return new Map(audiences);
}

function accessRules(raw: Raw): Pick<ResolvedType, "canCreate" | "canOpen" | "canList" | "canHistory" | "canDelete"> {
  const rule = (property: string) => {
    const own = optional(raw, property);
    return own === undefined ? undefined : asRule(own);
  };
  return {
    canCreate: rule("canCreate"),
    canOpen: rule("canOpen"),
    canList: rule("canList"),
    canHistory: rule("canHistory"),
    canDelete: rule("canDelete"),
  };
}

/** Only `true` lets somebody in: a rule that returns a promise or any other truthy value must not (R18). */
function asRule(rule: AnyFunction): (...parts: readonly unknown[]) => boolean {
  return (...parts) => {
    const answer = rule(...parts);
    if (typeof answer === "boolean") return answer;
    if (answer instanceof Promise) answer.catch(() => undefined);
    throw new TypeError(`an access rule must return a boolean, but returned ${kindOf(answer)}`);
  };
}

function refuseSharedNames(messages: ReadonlyMap<string, unknown>, queries: ReadonlyMap<string, unknown>): void {
  for (const name of queries.keys()) {
    if (messages.has(name))
      throw new DefinitionError(`queries.${name}`, "is a message already: a name is one or the other.");
  }
}

function resolveFlag(raw: Raw, property: string): boolean {
  const value = raw[property] ?? false;
  if (typeof value !== "boolean")
    throw new DefinitionError(property, `must be true or false, but is ${kindOf(value)}.`);
  return value;
}

function resolvePace(everyMs: unknown): number {
  if (everyMs === undefined) return 0;
  const { paceMsMax } = LIMITS;
  if (typeof everyMs === "number" && Number.isSafeInteger(everyMs) && everyMs >= 0 && everyMs <= paceMsMax)
    return everyMs;
  throw new DefinitionError("everyMs", `must be a whole number of milliseconds from 0 to ${paceMsMax}.`);
}

function required(raw: Raw, property: string): AnyFunction {
  if (raw[property] === undefined) throw new DefinitionError(property, "is required.");
  return requireFunction(property, raw[property]);
}

function optional(raw: Raw, property: string): AnyFunction | undefined {
  return raw[property] === undefined ? undefined : requireFunction(property, raw[property]);
}

function requireFunction(property: string, value: unknown): AnyFunction {
  if (!isFunction(value)) throw new DefinitionError(property, `must be a function, but is ${kindOf(value)}.`);
  if (Object.prototype.toString.call(value) === "[object AsyncFunction]") {
    throw new DefinitionError(property, "cannot be async: all it does is one transaction.");
  }
  return value;
}

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}
