// Shapes told apart by the text in their first place: messages by type, operations by name.
import { mismatch, type Shape } from "./shape.js";

type TypeOf<S> = S extends Shape<infer T> ? T : never;

/** One of several tuples; each must have its own name in the first place. */
export interface Variants<T> extends Shape<T> {
  /** The shape that a first item selects. */
  named(name: unknown): Shape<T> | undefined;
}

/** The union of the given shapes, by name. */
export function variants<S extends { readonly [name: string]: Shape<unknown> }>(
  shapes: S,
): Variants<TypeOf<S[keyof S]>>;
export function variants(shapes: { readonly [name: string]: Shape<unknown> }): Variants<unknown> {
  const byName = new Map<unknown, Shape<unknown>>(Object.entries(shapes));
  const expected = `an array that starts with ${Object.keys(shapes).join(", ")}`;
  return {
    expected,
    schema: { oneOf: Object.values(shapes).map((shape) => shape.schema) },
    named: (name) => byName.get(name),
    check(value) {
      const shape = Array.isArray(value) ? byName.get(value[0]) : undefined;
      return shape === undefined ? mismatch(expected, value) : shape.check(value);
    },
  };
}
