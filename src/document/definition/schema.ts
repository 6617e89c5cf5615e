// What Tidemark takes as a schema: any zod 4 schema, classic or mini, from any copy of zod. It owns the one guard that
// tells a schema from anything else, and never parses.
import type { $ZodTypes } from "zod/v4/core";
import { DefinitionError, kindOf } from "./definition-error.js";

/** Any zod 4 schema (`zod` or `zod/mini`): `In` is what a sender writes, `Out` what a handler reads. */
export interface Schema<In, Out = In> {
  readonly _zod: { readonly input: In; readonly output: Out };
}

/** Whether a value is a zod 4 schema. Looks at its shape: `instanceof` would fail for another copy of zod. */
export function isSchema(value: unknown): value is $ZodTypes {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || !("_zod" in value)) return false;
  const internals: unknown = value._zod;
  if (typeof internals !== "object" || internals === null || !("def" in internals) || !("run" in internals))
    return false;
  const def: unknown = internals.def;
  return typeof def === "object" && def !== null && "type" in def && typeof def.type === "string";
}

/** The value as a schema; throws `DefinitionError` naming `property` when it is none. */
export function requireSchema(property: string, value: unknown): $ZodTypes {
  if (isSchema(value)) return value;
  const hint = kindOf(value) === "object" && "parse" in Object(value) ? ", perhaps of zod 3" : "";
  throw new DefinitionError(property, `must be a zod 4 schema, but is ${kindOf(value)}${hint}.`);
}
