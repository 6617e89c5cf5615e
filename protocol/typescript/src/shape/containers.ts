// Shapes of values that hold others.
import type { Json, JsonObject } from "../json.js";
import { below, type Mismatch, mismatch, type Shape } from "./shape.js";

type Fields = { readonly [name: string]: Shape<unknown> };
type TypeOf<S> = S extends Shape<infer T> ? T : never;
type Items<S extends readonly Shape<unknown>[]> = { readonly [I in keyof S]: TypeOf<S[I]> };
type ObjectOf<R extends Fields, O extends Fields> = { readonly [K in keyof R]: TypeOf<R[K]> } & {
  readonly [K in keyof O]?: TypeOf<O[K]>;
};

/** An object with these fields. Unknown fields are ignored (FRAME-9). */
export function object<R extends Fields, O extends Fields>(required: R, optional: O): Shape<ObjectOf<R, O>> {
  const fields = [...Object.entries(required), ...Object.entries(optional)];
  const needed = Object.keys(required);
  return {
    expected: "an object",
    schema: { type: "object", properties: schemas({ ...required, ...optional }), required: needed },
    check(value) {
      if (!isObject(value)) return mismatch("an object", value);
      for (let index = 0; index < fields.length; index++) {
        const field = fields[index];
        if (field === undefined) break;
        const present = Object.hasOwn(value, field[0]);
        if (!present && index >= needed.length) continue;
        const inner = field[1].check(present ? value[field[0]] : undefined);
        if (inner !== undefined) return below(field[0], inner);
      }
      return undefined;
    },
  };
}

/** An object with at most `sizeMax` keys of any name, all values of one shape. */
export function record<T>(item: Shape<T>, sizeMax: number): Shape<{ readonly [name: string]: T }> {
  const expected = `an object of at most ${sizeMax} keys`;
  return {
    expected,
    schema: { type: "object", additionalProperties: item.schema, maxProperties: sizeMax },
    check(value) {
      if (!isObject(value)) return mismatch(expected, value);
      const keys = Object.keys(value);
      if (keys.length > sizeMax) return mismatch(expected, value);
      for (const key of keys) {
        const inner = item.check(value[key]);
        if (inner !== undefined) return below(key, inner);
      }
      return undefined;
    },
  };
}

/** Any object. */
export const jsonObject: Shape<JsonObject> = {
  expected: "an object",
  schema: { type: "object" },
  check: (value) => (isObject(value) ? undefined : mismatch("an object", value)),
};

/** An array of `countMin` (default 0) to `countMax` values of one shape, `multipleOf` (default 1) at a time. */
export function list<T>(
  item: Shape<T>,
  count: { readonly max?: number; readonly min?: number; readonly multipleOf?: number } = {},
): Shape<readonly T[]> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, multipleOf = 1 } = count;
  const upTo = max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`;
  const expected = `an array of ${min}${upTo} items${multipleOf === 1 ? "" : `, a multiple of ${multipleOf}`}`;
  const bounds: JsonObject = max === Number.MAX_SAFE_INTEGER ? { minItems: min } : { minItems: min, maxItems: max };
  return {
    expected,
    schema: { type: "array", items: item.schema, ...bounds },
    check(value) {
      if (!Array.isArray(value)) return mismatch(expected, value);
      if (value.length < min || value.length > max || value.length % multipleOf !== 0) return mismatch(expected, value);
      for (let index = 0; index < value.length; index++) {
        const inner = item.check(value[index]);
        if (inner !== undefined) return below(index, inner);
      }
      return undefined;
    },
  };
}

/** An array with a shape for each place. */
export function tuple<const S extends readonly Shape<unknown>[]>(...items: S): Shape<Items<S>>;
export function tuple(...items: readonly Shape<unknown>[]): Shape<readonly unknown[]> {
  return positional(items, []);
}

/** A tuple whose last place may be missing. */
export function tupleWithTail<const S extends readonly Shape<unknown>[], T>(
  items: S,
  tail: Shape<T>,
): Shape<Items<S> | readonly [...Items<S>, T]>;
export function tupleWithTail(items: readonly Shape<unknown>[], tail: Shape<unknown>): Shape<readonly unknown[]> {
  return positional(items, [tail]);
}

/** One of several shapes. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  const expected = `${first.expected} or ${second.expected}`;
  return {
    expected,
    schema: { anyOf: [first.schema, second.schema] },
    check(value) {
      if (first.check(value) === undefined || second.check(value) === undefined) return undefined;
      return mismatch(expected, value);
    },
  };
}

function positional(required: readonly Shape<unknown>[], tail: readonly Shape<unknown>[]): Shape<readonly unknown[]> {
  const shapes = [...required, ...tail];
  const expected = `an array of ${required.length}${tail.length > 0 ? ` or ${shapes.length}` : ""} items`;
  return {
    expected,
    schema: {
      type: "array",
      prefixItems: shapes.map((shape) => shape.schema),
      items: false,
      minItems: required.length,
      maxItems: shapes.length,
    },
    check(value) {
      if (!Array.isArray(value)) return mismatch(expected, value);
      if (value.length < required.length || value.length > shapes.length) return mismatch(expected, value);
      return firstMismatch(shapes, value);
    },
  };
}

function firstMismatch(shapes: readonly Shape<unknown>[], items: readonly unknown[]): Mismatch | undefined {
  for (let index = 0; index < items.length; index++) {
    const inner = shapes[index]?.check(items[index]);
    if (inner !== undefined) return below(index, inner);
  }
  return undefined;
}

function schemas(fields: Fields): JsonObject {
  return Object.fromEntries(Object.entries(fields).map(([name, shape]): [string, Json] => [name, shape.schema]));
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
