// Shapes of single values.
import type { Json } from "../json.js";
import type { StateSlice } from "../messages.js";
import { mismatch, type Shape } from "./shape.js";

/** A safe integer from `min` (default 0) to `max`. */
export function integer(bounds: { readonly min?: number; readonly max?: number } = {}): Shape<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
  const expected = `a safe integer from ${min}${upTo}`;
  return {
    expected,
    schema: { type: "integer", minimum: min, maximum: max },
    check(value) {
      const fit = typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
      return fit ? undefined : mismatch(expected, value);
    },
  };
}

/** Text of at most `lengthMax` UTF-16 code units, at least `lengthMin` (default 0). */
export function text(lengthMax: number, lengthMin = 0): Shape<string> {
  const expected = `text of ${lengthMin} to ${lengthMax} characters`;
  return {
    expected,
    schema: { type: "string", minLength: lengthMin, maxLength: lengthMax },
    check(value) {
      const fit = typeof value === "string" && value.length >= lengthMin && value.length <= lengthMax;
      return fit ? undefined : mismatch(expected, value);
    },
  };
}

/** Text that a pattern matches from end to end. */
export function matching(pattern: RegExp, expected: string): Shape<string> {
  return {
    expected,
    schema: { type: "string", pattern: pattern.source },
    check: (value) => (typeof value === "string" && pattern.test(value) ? undefined : mismatch(expected, value)),
  };
}

/** Text of any length the frame has room for. */
export const anyText: Shape<string> = {
  expected: "text",
  schema: { type: "string" },
  check: (value) => (typeof value === "string" ? undefined : mismatch("text", value)),
};

/** One of a few values. */
export function oneOf<const V extends string | number | null>(...values: readonly V[]): Shape<V> {
  const expected = values.map((value) => JSON.stringify(value)).join(" or ");
  return {
    expected,
    schema: { enum: [...values] },
    check: (value) => (values.some((allowed) => allowed === value) ? undefined : mismatch(expected, value)),
  };
}

export const flag: Shape<boolean> = {
  expected: "true or false",
  schema: { type: "boolean" },
  check: (value) => (typeof value === "boolean" ? undefined : mismatch("true or false", value)),
};

/** A piece of an encoded state: text, or binary where the codec has it. */
export const slice: Shape<StateSlice> = {
  expected: "text or binary",
  schema: { description: "JSON text, or binary in msgpack" },
  check: (value) =>
    typeof value === "string" || value instanceof Uint8Array ? undefined : mismatch("text or binary", value),
};

/** Any value at all: what decoding yields is JSON already, but for the slices of parts. */
export const json: Shape<Json> = {
  expected: "a value",
  schema: {},
  check: (value) => (value === undefined || value instanceof Uint8Array ? mismatch("a value", value) : undefined),
};
