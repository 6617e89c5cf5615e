// One node of a compiled state schema: what may stand at a place, what governs the places below it, and how far a
// change below it reaches. Nodes read values and never change, copy or keep them.
import type { Json } from "@tidemark/protocol";
import { InvalidStateError } from "../../recorder/invalid-state.js";
import type { Cover } from "../../recorder/state-guard.js";
import { kindOf } from "../definition-error.js";
import { pointer } from "../issue.js";

/** Why a value does not fit. `tokens` is the path below the value, innermost first: it is built on the way out. */
export interface Problem {
  readonly tokens: string[];
  readonly expected: string;
  readonly received: string;
}

/**
 * How far a change below a node reaches into the node's own check.
 * - `none`: the changed value is checked by itself.
 * - `children`: adding, replacing or removing a direct child is the node's business (a length bound), deeper is not.
 * - `all`: any change below it asks for the whole node again (union, refinement, tuple).
 */
export type Reach = "none" | "children" | "all";

/** Base of all nodes. Subclasses say what fits. */
export abstract class StateNode {
  readonly #covers = new Covers((value) => this.problem(value));

  /** Whether only JSON objects can fit: what the root of a state must be. */
  abstract readonly isObject: boolean;
  /** Whether no JSON object or array can fit. */
  abstract readonly isScalar: boolean;
  abstract readonly reach: Reach;

  /** The first thing wrong with a value; undefined: it fits. */
  abstract problem(value: Json): Problem | undefined;

  /** What governs the child under a key or index. */
  abstract child(key: string): StateNode;

  /** What to check when the child under `key` has gone, `depth` being this node's own; undefined: nothing. */
  removal(key: string, depth: number): Cover | undefined;
  removal(): undefined {
    return undefined;
  }

  /** The check of this node as a whole, at a depth. */
  cover(depth: number): Cover {
    return this.#covers.at(depth);
  }
}

/** One check as a `Cover` for each depth it is asked for, made once: nothing is allocated for a write. */
export class Covers {
  readonly #check: (value: Json) => void;
  readonly #byDepth: Cover[] = [];

  constructor(problem: (value: Json) => Problem | undefined) {
    this.#check = (value) => {
      const found = problem(value);
      if (found !== undefined) throw invalidState(found);
    };
  }

  at(depth: number): Cover {
    let cover = this.#byDepth[depth];
    if (cover === undefined) {
      cover = { depth, check: this.#check };
      this.#byDepth[depth] = cover;
    }
    return cover;
  }
}

/** A problem with the value itself. */
export function mismatch(expected: string, value: Json | undefined): Problem {
  return { tokens: [], expected, received: value === undefined ? "nothing" : kindOf(value) };
}

/** The same problem seen from the parent that holds the value under `token`. */
export function below(token: string | number, problem: Problem): Problem {
  problem.tokens.push(String(token));
  return problem;
}

function invalidState(problem: Problem): InvalidStateError {
  const path = pointer(problem.tokens.toReversed());
  return new InvalidStateError(path, `expected ${problem.expected}, received ${problem.received}`);
}
