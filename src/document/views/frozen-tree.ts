// A document's state that never changes: each range of operations gives another tree, which shares with the one before
// whatever no operation wrote to. Views may return parts of it, and compare them by identity. It applies operations
// that the recorder made; what does not fit them is a bug of ours.
import { type Json, type JsonObject, type PatchOperation, parsePointer } from "@tidemark/protocol";
import { invariant } from "../../runtime/invariant.js";
import { emptyObject, isNode, type StateNode, type StateObject, type StateValue } from "../recorder/state-node.js";

/** Where top-level parts stand: application code sees them, and the root, through read-only proxies alone. */
const PART_DEPTH = 1;

/** A copy of a state as a tree of this kind. */
export function frozenTree(state: JsonObject): JsonObject {
  return asObject(frozen(state, 0));
}

/** The tree after operations; `tree` is what it was. */
export function treeAfter(tree: JsonObject, operations: readonly PatchOperation[]): JsonObject {
  if (operations.length === 0) return tree;
  const edit = new Edit(tree);
  for (const operation of operations) edit.apply(operation);
  return asObject(edit.finish());
}

class Edit {
  #root: StateValue;
  /** Nodes of this edit's own, by how deep they stand: only they are written to. */
  readonly #owned = new Map<StateNode, number>();

  constructor(tree: JsonObject) {
    // Nodes are copied before they are written to.
    this.#root = tree as StateObject;
  }

  apply(operation: PatchOperation): void {
    const path = parsePointer(operation[1]);
    switch (operation[0]) {
      case "+":
        return this.#insert(path, frozen(operation[2], path.length));
      case "=":
        return this.#put(path, frozen(operation[2], path.length));
      case "-":
        return this.#remove(path);
      case "~":
        return this.#put(path, `${String(this.#read(path))}${operation[2]}`);
      case ">": {
        const value = this.#read(path);
        this.#remove(path);
        return this.#insert(parsePointer(operation[2]), value);
      }
    }
  }

  finish(): StateValue {
    for (const [node, depth] of this.#owned) seal(node, depth);
    return this.#root;
  }

  #read(path: readonly string[]): StateValue {
    let value = this.#root;
    for (const token of path) value = childOf(value, token);
    return value;
  }

  #insert(path: readonly string[], value: StateValue): void {
    const key = path.at(-1);
    if (key === undefined) return this.#replaceRoot(value);
    const parent = this.#parent(path);
    if (Array.isArray(parent)) parent.splice(Number(key), 0, value);
    else parent[key] = value;
  }

  #put(path: readonly string[], value: StateValue): void {
    const key = path.at(-1);
    if (key === undefined) return this.#replaceRoot(value);
    const parent = this.#parent(path);
    if (Array.isArray(parent)) parent[Number(key)] = value;
    else parent[key] = value;
  }

  #remove(path: readonly string[]): void {
    const key = path.at(-1);
    invariant(key !== undefined, "a state is never removed by an operation");
    const parent = this.#parent(path);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }

  #replaceRoot(value: StateValue): void {
    this.#owned.clear();
    this.#root = value;
  }

  /** The node above the end of a path, this edit's own, and so all above it. */
  #parent(path: readonly string[]): StateNode {
    let node = this.#own(this.#root, 0);
    this.#root = node;
    for (let depth = 1; depth < path.length; depth++) {
      const key = path[depth - 1] ?? "";
      const child = this.#own(childOf(node, key), depth);
      if (Array.isArray(node)) node[Number(key)] = child;
      else node[key] = child;
      node = child;
    }
    return node;
  }

  #own(value: StateValue, depth: number): StateNode {
    invariant(isNode(value), "operations lead through arrays and objects");
    if (this.#owned.has(value)) return value;
    const copy = Array.isArray(value) ? value.slice() : Object.assign(emptyObject(), value);
    this.#owned.set(copy, depth);
    return copy;
  }
}

function childOf(value: StateValue, token: string): StateValue {
  invariant(isNode(value), "operations lead through arrays and objects");
  const child = Array.isArray(value) ? value[Number(token)] : value[token];
  invariant(child !== undefined, "operations lead to what is there");
  return child;
}

/** A copy that inherits no keys and that nobody can write to, except as `seal` says. */
function frozen(value: Json, depth: number): StateValue {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value))
    return seal(
      value.map((item) => frozen(item, depth + 1)),
      depth,
    );
  const copy = emptyObject();
  for (const key of Object.keys(value)) copy[key] = frozen(value[key] ?? null, depth + 1);
  return seal(copy, depth);
}

/** Freezing a wide record takes as long as copying it: those that no application code ever holds are left. */
function seal<Node extends StateNode>(node: Node, depth: number): Node {
  if (depth > PART_DEPTH || Array.isArray(node)) Object.freeze(node);
  return node;
}

function asObject(value: StateValue): JsonObject {
  invariant(isNode(value) && !Array.isArray(value), "a state is an object");
  return value;
}

const isArray = (value: object): value is readonly Json[] => Array.isArray(value);
