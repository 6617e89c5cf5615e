// Equality of JSON values, as RFC 6902 section 4.6 has it for `test`.
import type { Json } from "../json.js";

/** Whether two JSON values are equal: numbers by value, objects without regard to the order of their keys. */
export function jsonEquals(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => {
    const a: Json | undefined = Reflect.get(left, key);
    const b: Json | undefined = Object.hasOwn(right, key) ? Reflect.get(right, key) : undefined;
    return a !== undefined && b !== undefined && jsonEquals(a, b);
  });
}
