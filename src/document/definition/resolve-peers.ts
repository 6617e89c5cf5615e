// Checks `signals` and `presence`: what those who follow a document may say to each other.
import { type CompiledInput, compileDeclared } from "./compiled-input.js";
import { requireRecord } from "./definition-error.js";
import { requireIdentifier } from "./identifier.js";
import type { ResolvedPeers } from "./resolved-type.js";

/** Undefined: nothing. Throws `DefinitionError` for what is no schema, or for a name that clients cannot write. */
export function resolvePeers({ signals, presence }: Readonly<Record<string, unknown>>): ResolvedPeers | undefined {
  const declared = signals === undefined ? [] : Object.entries(requireRecord("signals", signals));
  if (declared.length === 0 && presence === undefined) return undefined;
  return {
    signals: new Map(declared.map(([name, schema]) => [name, signal(`signals.${name}`, name, schema)])),
    presence: presence === undefined ? undefined : compileDeclared("presence", presence),
  };
}

function signal(property: string, name: string, schema: unknown): CompiledInput {
  requireIdentifier(property, name);
  return compileDeclared(property, schema);
}
