// Names that authors give to messages, queries, events and signals.
import { DefinitionError } from "./definition-error.js";

const identifier = /^[A-Za-z_][A-Za-z0-9_$]{0,63}$/;
// An object with `then` is taken for a promise: `await tide.call(...)` would send it.
const unusableNames = new Set(["then", "__proto__"]);

/** Throws `DefinitionError` for what clients could not write as a name. */
export function requireIdentifier(property: string, name: string): void {
  if (unusableNames.has(name)) {
    throw new DefinitionError(property, "cannot have this name: JavaScript gives it a meaning of its own.");
  }
  if (identifier.test(name)) return;
  throw new DefinitionError(
    property,
    "must be a plain identifier: a letter or _, then letters, digits, _ or $, at most 64.",
  );
}
