// What a state schema may not contain, and why. State is what the log replays: a schema may look at it, never change it.
import type { $ZodCheck, $ZodTypes } from "zod/v4/core";
import { DefinitionError } from "../definition-error.js";

const notJson = "is not JSON: state holds strings, finite numbers, booleans, null, arrays and objects only.";
const changes = "would change the value that was written: do it in the handler, before writing.";

const refusedTypes: { readonly [type: string]: string } = {
  bigint: notJson,
  custom: "accepts a class or anything else that cannot be looked into: build it from JSON schemas.",
  date: `${notJson} Keep a time as a number or an ISO string.`,
  file: notJson,
  function: notJson,
  map: `${notJson} Use z.record.`,
  nan: notJson,
  promise: notJson,
  set: `${notJson} Use an array or a record.`,
  symbol: notJson,
  undefined: `${notJson} Use optional().`,
  void: `${notJson} Use optional().`,
  catch: `has a catch, which ${changes}`,
  default: `has a default, which ${changes}`,
  prefault: `has a prefault, which ${changes}`,
  success: `replaces the value by a boolean, which ${changes}`,
  transform: `has a transform, which ${changes}`,
};

/** Refuses a schema whose own kind, coercion or checks cannot be part of a state. Children are the caller's concern. */
export function refuseUnfit(property: string, schema: $ZodTypes): void {
  const def = schema._zod.def;
  const reason = refusedTypes[def.type];
  if (reason !== undefined) throw new DefinitionError(property, reason);
  if ("coerce" in def && def.coerce === true) throw new DefinitionError(property, `coerces, which ${changes}`);
  if ("normalize" in def && def.normalize === true) throw new DefinitionError(property, `normalizes, which ${changes}`);
  if (def.type === "pipe" && def.transform !== undefined) {
    throw new DefinitionError(property, `is a codec, which ${changes}`);
  }
  if (def.type === "literal" && def.values.some((value) => value === undefined || typeof value === "bigint")) {
    throw new DefinitionError(property, notJson);
  }
  for (const check of def.checks ?? []) refuseUnfitCheck(property, check);
}

function refuseUnfitCheck(property: string, check: $ZodCheck<never>): void {
  const def = check._zod.def;
  if (def.check === "overwrite") {
    throw new DefinitionError(property, `has a check like trim() or toLowerCase(), which ${changes}`);
  }
  if ("normalize" in def && def.normalize === true) throw new DefinitionError(property, `normalizes, which ${changes}`);
}
