// Checks `hidden`: the names of top-level parts of the state that nobody is shown.
import { HiddenParts } from "../views/hidden.js";
import { DefinitionError, kindOf } from "./definition-error.js";
import type { CompiledState } from "./state/compiled-state.js";

/** The hidden parts; undefined when there are none. Throws `DefinitionError` for a name that no state has. */
export function resolveHidden(hidden: unknown, state: CompiledState): HiddenParts | undefined {
  if (hidden === undefined) return undefined;
  if (!Array.isArray(hidden))
    throw new DefinitionError("hidden", `must be an array of names, but is ${kindOf(hidden)}.`);
  const names = hidden.map((name: unknown) => {
    if (typeof name !== "string") throw new DefinitionError("hidden", `must hold names, but one is ${kindOf(name)}.`);
    // A misspelt name would show what was to be hidden.
    if (!state.hasPart(name)) throw new DefinitionError("hidden", `names "${name}", which is no part of the state.`);
    return name;
  });
  return names.length === 0 ? undefined : new HiddenParts(names);
}
