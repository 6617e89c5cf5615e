// Nodes without anything below them: plain scalars by their kind alone, other scalars by zod, and the two extremes,
// everything and nothing.
import type { Json } from "@tidemark/protocol";
import { type $ZodTypes, safeParse } from "zod/v4/core";
import { expectation } from "../issue.js";
import { mismatch, type Problem, StateNode } from "./state-node.js";

/** Fits nothing: below a scalar, or a key that the schema does not have. */
class ForbiddenNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = true;
  readonly reach = "none";
  readonly #expected: string;

  constructor(expected: string) {
    super();
    this.#expected = expected;
  }

  problem(value: Json): Problem {
    return mismatch(this.#expected, value);
  }

  child(): StateNode {
    return this;
  }
}

/** What stands at a key that a schema without catchall does not name. zod would strip it, and state never changes silently. */
export const noSuchKey = new ForbiddenNode("no such key");

const nothingBelow = new ForbiddenNode("nothing below a scalar");

/** Fits any JSON. */
export class AnyNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = false;
  readonly reach = "none";

  problem(): undefined {
    return undefined;
  }

  child(): StateNode {
    return this;
  }
}

/** A string, number, boolean or null without checks: its kind decides. */
export class PlainNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = true;
  readonly reach = "none";
  readonly #kind: "string" | "number" | "boolean" | "null";

  constructor(kind: "string" | "number" | "boolean" | "null") {
    super();
    this.#kind = kind;
  }

  problem(value: Json): Problem | undefined {
    const fits = this.#kind === "null" ? value === null : typeof value === this.#kind && !isUnstorable(value);
    return fits ? undefined : mismatch(this.#kind, value);
  }

  child(): StateNode {
    return nothingBelow;
  }
}

/** A scalar that zod checks: formats, bounds, enums, literals, refinements. It must come back unchanged. */
export class CheckedScalarNode extends StateNode {
  readonly isObject = false;
  readonly isScalar = true;
  readonly reach = "none";
  readonly #schema: $ZodTypes;

  constructor(schema: $ZodTypes) {
    super();
    this.#schema = schema;
  }

  problem(value: Json): Problem | undefined {
    if (typeof value === "object" && value !== null) return mismatch("a scalar", value);
    const result = safeParse(this.#schema, value);
    if (result.success) {
      return Object.is(result.data, value) ? undefined : mismatch("a value that its check leaves unchanged", value);
    }
    const issue = result.error.issues[0];
    return mismatch(issue === undefined ? "another value" : expectation(issue), value);
  }

  child(): StateNode {
    return nothingBelow;
  }
}

function isUnstorable(value: Json): boolean {
  return typeof value === "number" && !Number.isFinite(value);
}
