// Properties whose types stand and whose behaviour does not yet exist. A definition that uses one is refused: what is
// silently ignored would be found out in production.
import { DefinitionError, isRecord } from "./definition-error.js";

const unsupported: { readonly [property: string]: string } = {
  everyMs: "(a pace set by the type)",
  indexes: "(filters for service.list)",
  members: "(who is here, durably)",
  migrate: "(migrations)",
  mine: "(what one viewer sees)",
  onTask: "(tasks)",
  onTimer: "(timers)",
  params: "(parameters of a view)",
  presence: "(who has the document open)",
  shared: "(a view of the state)",
  signals: "(ephemeral messages)",
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
  if (!isRecord(definition.events)) return;
  for (const [name, event] of Object.entries(definition.events)) {
    if (isRecord(event) && event.audience !== undefined) refuse(`events.${name}.audience`, "(events for some viewers)");
  }
}

/** Refuses one property of this name. */
export function refuse(property: string, what: string): never {
  throw new DefinitionError(property, `does not work in this version ${what}: remove it.`);
}
