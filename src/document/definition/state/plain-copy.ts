// Copies and comparisons of JSON values, for handing state to code that is not ours.
import type { Json } from "@tidemark/protocol";
import { isJsonArray, isJsonObject } from "./container-nodes.js";

/** A deep copy as ordinary objects and arrays, whatever prototype the value has. */
export function plainCopy(value: Json): Json {
  if (isJsonArray(value)) return value.map(plainCopy);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainCopy(item)]));
}

/** Whether `other` is not the same JSON as `value`. A property that is undefined counts as absent. */
export function differsFrom(value: Json, other: unknown): boolean {
  if (isJsonArray(value)) {
    return (
      !Array.isArray(other) || other.length !== value.length || value.some((item, i) => differsFrom(item, other[i]))
    );
  }
  if (!isJsonObject(value)) return !Object.is(value, other);
  if (typeof other !== "object" || other === null || Array.isArray(other)) return true;
  const present = Object.entries(other).filter(([, item]) => item !== undefined);
  if (present.length !== Object.keys(value).length) return true;
  return present.some(([key, item]) => !Object.hasOwn(value, key) || differsFrom(value[key] ?? null, item));
}
