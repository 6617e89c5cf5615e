// What a record's key schema says of one key, in zod's own terms: enumerable keys, numeric keys, loose records.
import { type $ZodTypes, safeParse } from "zod/v4/core";
import type { RecordKeys } from "./container-nodes.js";

/** Compiles the key rules of a record. */
export function recordKeys(
  keyType: $ZodTypes,
  valueType: $ZodTypes,
  mode: { readonly loose: boolean; readonly partial: boolean },
): RecordKeys {
  const otherwise = mode.loose ? "anything" : "nothing";
  const values = mode.partial ? undefined : keyType._zod.values;
  if (values !== undefined) {
    const named = new Set([...values].map(String));
    return {
      governs: (key) => (named.has(key) ? "value" : otherwise),
      required: acceptsAbsence(valueType) ? [] : [...named],
    };
  }
  if (isAnyString(keyType)) return { governs: () => "value", required: [] };
  return { governs: (key) => (acceptsKey(keyType, key) ? "value" : otherwise), required: [] };
}

/** A key must come back as it is: a numeric key schema takes `1`, and not `01`, which would become `1`. */
function acceptsKey(keyType: $ZodTypes, key: string): boolean {
  const asText = safeParse(keyType, key);
  if (asText.success) return asText.data === key;
  const asNumber = safeParse(keyType, Number(key));
  return asNumber.success && String(asNumber.data) === key;
}

function isAnyString(keyType: $ZodTypes): boolean {
  const def = keyType._zod.def;
  return def.type === "string" && !("format" in def) && (def.checks ?? []).length === 0;
}

function acceptsAbsence(valueType: $ZodTypes): boolean {
  try {
    return safeParse(valueType, undefined).success;
  } catch {
    return false;
  }
}
