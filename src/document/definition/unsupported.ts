// Properties whose types stand and whose behaviour does not yet exist. A definition that uses one is refused: what is
// silently ignored would be found out in production.
import { DefinitionError } from "./definition-error.js";

const unsupported: { readonly [property: string]: string } = {
  indexes: "(filters for service.list)",
  migrate: "(migrations)",
  onTask: "(tasks)",
  onTimer: "(timers)",
  tasks: "(tasks)",
  timers: "(timers)",
};

/** Throws `DefinitionError` for the first property that does not work in this version. */
export function refuseUnsupported(definition: Readonly<Record<string, unknown>>): void {
  for (const [property, what] of Object.entries(unsupported)) {
    if (definition[property] !== undefined) refuse(property, what);
  }
  for (const [property, what] of [
    ["version", "above 1 (migrations)"],
    ["clientMin", "above 1 (ending old clients)"],
  ] as const) {
    if (definition[property] !== undefined && definition[property] !== 1) refuse(property, what);
  }
}

/** Refuses one property of this name. */
export function refuse(property: string, what: string): never {
  throw new DefinitionError(property, `does not work in this version ${what}: remove it.`);
}
