// Shapes: each says once what a value from the wire must look like, checks values against it, and prints itself as
// JSON Schema, so that code and schema cannot differ. A check that succeeds allocates nothing.
import type { JsonObject } from "../json.js";

/** Where and how a value does not fit: `path` is like `[5].born`, empty for the value itself. */
export interface Mismatch {
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** The form of a value of type T. */
export interface Shape<T> {
  /** What a value should be, in words: `a safe integer from 0`. */
  readonly expected: string;
  /** The same as JSON Schema, draft 2020-12. */
  readonly schema: JsonObject;
  /** The first mismatch; undefined when the value is a T. */
  check(value: unknown): Mismatch | undefined;
  /** Carries T for the compiler; never there at run time. */
  readonly type?: T;
}

/** The mismatch of a value that is not what was expected. Names the kind of the value, never its content (R18). */
export function mismatch(expected: string, value: unknown): Mismatch {
  return { path: "", expected, found: kindOf(value) };
}

/** The mismatch of a part, as one of the whole. */
export function below(key: string | number, inner: Mismatch): Mismatch {
  return { ...inner, path: `${typeof key === "number" ? `[${key}]` : `.${key}`}${inner.path}` };
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "string") return `text of ${value.length} characters`;
  if (typeof value === "number") return Number.isSafeInteger(value) ? `the integer ${value}` : "a number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
