// Checks `shared`, `mine` and `params`: what viewers see instead of the whole state.
import type { Principal } from "@tidemark/protocol";
import type { HiddenParts } from "../views/hidden.js";
import { type CompiledInput, compileDeclared } from "./compiled-input.js";
import { DefinitionError, isRecord, kindOf } from "./definition-error.js";
import type { ResolvedViews } from "./resolved-type.js";

type Raw = Readonly<Record<string, unknown>>;
type AnyFunction = (...parts: readonly unknown[]) => unknown;

/** The views of a type; undefined: its subscribers share the log. */
export function resolveViews(raw: Raw, hidden: HiddenParts | undefined): ResolvedViews | undefined {
  const shared = raw.shared === undefined ? undefined : requireSync("shared", raw.shared);
  const mine = raw.mine === undefined ? undefined : resolveMine(raw.mine);
  if (mine !== undefined && shared === undefined && hidden === undefined) {
    throw new DefinitionError("mine", "needs `shared` or `hidden` beside it: without them everybody sees everything.");
  }
  if (shared === undefined && mine === undefined) return undefined;
  const sources = [shared, mine?.of].map((view) => (view === undefined ? "" : Function.prototype.toString.call(view)));
  return { shared: shared ?? (hidden === undefined ? same : without(hidden)), mine, sources };
}

/** The schema of `params`; undefined: there are none. Throws `DefinitionError` unless it accepts `{}`. */
export function resolveParams(params: unknown, views: ResolvedViews | undefined): CompiledInput | undefined {
  if (params === undefined) return undefined;
  if (views === undefined) throw new DefinitionError("params", "narrows nothing without `shared` or `mine`.");
  const compiled = compileDeclared("params", params);
  if (!compiled.parse({}).ok)
    throw new DefinitionError("params", "must accept {}: what a viewer passes who passes none.");
  return compiled;
}

function resolveMine(mine: unknown): NonNullable<ResolvedViews["mine"]> {
  if (!isRecord(mine)) throw new DefinitionError("mine", `must be { key, of }, but is ${kindOf(mine)}.`);
  const other = Object.keys(mine).find((name) => name !== "key" && name !== "of");
  if (other !== undefined) throw new DefinitionError(`mine.${other}`, "is not a property of it: use key and of.");
  const key = requireSync("mine.key", mine.key);
  const of = requireSync("mine.of", mine.of);
  return {
    key(viewer: Principal) {
      const said = key(viewer);
      if (typeof said !== "string") throw new TypeError(`mine.key must return a string, but returned ${kindOf(said)}`);
      return said;
    },
    of,
  };
}

const same = (state: object): object => state;

const without =
  (hidden: HiddenParts) =>
  (state: object): object =>
    Object.fromEntries(
      Object.keys(state).flatMap((part) => (hidden.has(part) ? [] : [[part, Reflect.get(state, part)]])),
    );

function requireSync(property: string, value: unknown): AnyFunction {
  if (!isFunction(value)) throw new DefinitionError(property, `must be a function, but is ${kindOf(value)}.`);
  if (Object.prototype.toString.call(value) === "[object AsyncFunction]") {
    throw new DefinitionError(property, "cannot be async: a view is a function of the state alone.");
  }
  return value;
}

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}
