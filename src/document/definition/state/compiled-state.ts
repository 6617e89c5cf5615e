// A state schema compiled once per type: tells the recorder which part of the state must be checked after each write,
// and checks whole states. It follows a path through nodes and never touches the state itself.
import type { Json } from "@tidemark/protocol";
import type { Cover, StateGuard } from "../../recorder/state-guard.js";
import { DefinitionError } from "../definition-error.js";
import { NodeBuilder } from "./build-nodes.js";
import { noSuchKey } from "./scalar-nodes.js";
import type { StateNode } from "./state-node.js";

/**
 * The guard of one document type's state.
 *
 * A value fits when its schema accepts it as it is: what zod would strip (a key that an object schema does not name) or
 * change does not fit. Outermost wins: below a union, tuple or refinement the cover is the outermost such place on the
 * path, since what is inside it can decide about all of it.
 */
export class CompiledState implements StateGuard {
  readonly #root: StateNode;

  constructor(root: StateNode) {
    this.#root = root;
  }

  coverWrite(path: readonly string[]): Cover {
    let node = this.#root;
    for (let depth = 0; depth < path.length; depth += 1) {
      if (isInvolved(node, depth, path.length)) return node.cover(depth);
      node = node.child(path[depth] ?? "");
    }
    return node.cover(path.length);
  }

  coverRemoval(path: readonly string[]): Cover | undefined {
    let node = this.#root;
    const parent = path.length - 1;
    for (let depth = 0; depth < parent; depth += 1) {
      if (isInvolved(node, depth, path.length)) return node.cover(depth);
      node = node.child(path[depth] ?? "");
    }
    return isInvolved(node, parent, path.length) ? node.cover(parent) : node.removal(path[parent] ?? "", parent);
  }

  /** Can a state have a top-level part of this name? */
  hasPart(name: string): boolean {
    return this.#root.child(name) !== noSuchKey;
  }

  /** Checks a full state. Throws `InvalidStateError` with the pointer of the first thing that does not fit. */
  checkWhole(value: Json): void {
    this.#root.cover(0).check(value);
  }
}

/** Whether a change at `length` tokens asks for the whole node at `depth` again. */
function isInvolved(node: StateNode, depth: number, length: number): boolean {
  return node.reach === "all" || (node.reach === "children" && depth === length - 1);
}

/** Compiles a state schema; throws `DefinitionError` naming the place that no state can have. */
export function compileState(schema: unknown): CompiledState {
  const root = new NodeBuilder().build("state", schema);
  if (!root.isObject) throw new DefinitionError("state", "must be an object at the root: use z.object({...}).");
  return new CompiledState(root);
}
