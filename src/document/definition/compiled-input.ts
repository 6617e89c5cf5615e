// Checks what comes from outside (inputs, event data) against its schema, and says what is wrong by path, expectation
// and kind: never by value, so that nothing a sender wrote comes back in an error or a log.
import { type $ZodIssue, type $ZodTypes, safeParse } from "zod/v4/core";
import { kindOf } from "./definition-error.js";
import { expectation, pointer } from "./issue.js";
import { refuseAsync } from "./refuse-async.js";
import { refuseSlowPatterns } from "./refuse-slow-patterns.js";
import { requireSchema } from "./schema.js";

/** What is wrong in one place. `path` is a JSON pointer, `received` a kind (`string`, `null`, `nothing`, ...). */
export interface InputIssue {
  readonly path: string;
  readonly expected: string;
  readonly received: string;
}

/** What checking gave: the value as the handler reads it, or at most 20 issues. */
type ParsedInput =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly InputIssue[] };

/** A schema ready to check inputs. `parse` throws only what the application's own refinements and transforms throw. */
export interface CompiledInput {
  /** What it was compiled from, for descriptions; undefined: nothing is known of what it takes. */
  readonly schema?: $ZodTypes;
  parse(value: unknown): ParsedInput;
}

const issuesMax = 20;

/** The same of what an author wrote under `property`. Throws `DefinitionError` for what is no schema, or an async one. */
export function compileDeclared(property: string, schema: unknown): CompiledInput {
  const checked = requireSchema(property, schema);
  refuseAsync(property, checked);
  refuseSlowPatterns(property, checked);
  return compileInput(checked);
}

/** Compiles a schema for inputs: transforms, defaults and coercions are welcome here. */
export function compileInput(schema: $ZodTypes): CompiledInput {
  return {
    schema,
    parse(value) {
      const result = safeParse(schema, value);
      if (result.success) return { ok: true, value: result.data };
      const issues = result.error.issues.slice(0, issuesMax).flatMap((issue) => describeIssue(issue, value));
      return { ok: false, issues: issues.slice(0, issuesMax) };
    },
  };
}

function describeIssue(issue: $ZodIssue, root: unknown): InputIssue[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: pointer([...path, key]),
      expected: "no such key",
      received: kindAt(root, [...path, key]),
    }));
  }
  return [{ path: pointer(path), expected: expectation(issue), received: kindAt(root, path) }];
}

function kindAt(root: unknown, path: readonly string[]): string {
  let value = root;
  for (const token of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) return "nothing";
    value = Reflect.get(value, token);
  }
  return value === undefined ? "nothing" : kindOf(value);
}
