// What one transaction did: operations to tell others, and what is needed to undo them. It knows nodes and pointers,
// nothing of proxies, and never decides whether a write is allowed.
import type { PatchOperation } from "@tidemark/protocol";
import { plainCopy } from "./detach.js";
import { isNode, type StateArray, type StateNode, type StateValue } from "./state-node.js";

/** An operation that may still change: `value` is the live value, so that later writes inside it are part of it. */
export interface Logged {
  code: PatchOperation[0] | "dropped";
  path: string;
  value: StateValue;
  /** Where a move comes from; "" for others. */
  from: string;
}

/** One thing to undo. Undone in reverse order, each finds the tree as it left it. */
export interface Undo {
  undo(): void;
}

export class Journal {
  readonly #undo: Undo[] = [];
  readonly #operations: Logged[] = [];

  get lastOperation(): Logged | undefined {
    return this.#operations.at(-1);
  }

  log(code: Logged["code"], path: string, value: StateValue = null): Logged {
    const operation: Logged = { code, path, value, from: "" };
    this.#operations.push(operation);
    return operation;
  }

  add(change: Undo): void {
    this.#undo.push(change);
  }

  /** Restores every node, elements in their order; a key that was deleted comes back as the last one of its object. */
  undoAll(): void {
    for (let change = this.#undo.pop(); change !== undefined; change = this.#undo.pop()) change.undo();
  }

  /** The operations as plain data that shares nothing with the state. */
  operations(): PatchOperation[] {
    const operations: PatchOperation[] = [];
    for (const logged of this.#operations)
      if (logged.code !== "dropped") operations.push(toOperation(logged, logged.code));
    return operations;
  }
}

function toOperation(logged: Logged, code: PatchOperation[0]): PatchOperation {
  const { path, value, from } = logged;
  switch (code) {
    case "-":
      return ["-", path];
    case ">":
      return [">", from, path];
    case "~":
      return ["~", path, String(value)];
    default:
      return [code, path, isNode(value) ? plainCopy(value) : value];
  }
}

/**
 * All writes of one transaction to one key of one node. They make at most one operation, which is rewritten in place:
 * at its point in the log its path led to this very node, wherever the node has moved since, and nothing below the key
 * was logged after it. A slot of an array is forgotten as soon as elements shift.
 */
export class Slot implements Undo {
  readonly #node: StateNode;
  readonly #key: string;
  /** The value at the first write; undefined: there was none. */
  readonly #before: StateValue | undefined;
  /** undefined when an operation above holds the value. */
  readonly #operation: Logged | undefined;
  /** Bytes counted for the value that stands there now. */
  charged = 0;

  constructor(node: StateNode, key: string, first: { before: StateValue | undefined; operation: Logged | undefined }) {
    this.#node = node;
    this.#key = key;
    this.#before = first.before;
    this.#operation = first.operation;
  }

  set(value: StateValue): void {
    const operation = this.#operation;
    if (operation === undefined) return;
    const before = this.#before;
    operation.value = value;
    if (before === undefined) operation.code = "+";
    else if (value === before) operation.code = "dropped";
    else if (typeof before === "string" && typeof value === "string" && before !== "" && value.startsWith(before)) {
      operation.code = "~";
      operation.value = value.slice(before.length);
    } else operation.code = "=";
  }

  delete(): void {
    if (this.#operation === undefined) return;
    this.#operation.code = this.#before === undefined ? "dropped" : "-";
    this.#operation.value = null;
  }

  undo(): void {
    const node = this.#node;
    if (Array.isArray(node)) {
      if (this.#before !== undefined) node[Number(this.#key)] = this.#before;
    } else if (this.#before === undefined) delete node[this.#key];
    else node[this.#key] = this.#before;
  }
}

/** Elements that came and went at one place of an array. */
export class Splice implements Undo {
  readonly #node: StateArray;
  readonly #start: number;
  readonly #removed: readonly StateValue[];
  readonly #insertedCount: number;

  constructor(node: StateArray, start: number, change: { removed: readonly StateValue[]; insertedCount: number }) {
    this.#node = node;
    this.#start = start;
    this.#removed = change.removed;
    this.#insertedCount = change.insertedCount;
  }

  undo(): void {
    spliceNode(this.#node, this.#start, { removeCount: this.#insertedCount, items: this.#removed });
  }
}

/** All elements of an array, for changes that log the whole of it. */
export class Content implements Undo {
  readonly #node: StateArray;
  readonly #before: readonly StateValue[];

  constructor(node: StateArray) {
    this.#node = node;
    this.#before = node.slice();
  }

  undo(): void {
    writeContent(this.#node, this.#before);
  }
}

/** More would not fit on the stack as arguments of one call. */
const ARGUMENTS_MAX = 10_000;

/** Array.prototype.splice for any number of items. Returns what was removed. */
export function spliceNode(
  node: StateArray,
  start: number,
  change: { readonly removeCount: number; readonly items: readonly StateValue[] },
): StateValue[] {
  if (start === node.length && change.items.length === 1) {
    node.push(...change.items);
    return [];
  }
  if (change.items.length <= ARGUMENTS_MAX) return node.splice(start, change.removeCount, ...change.items);
  const tail = node.splice(start);
  const removed = tail.slice(0, change.removeCount);
  for (const item of change.items) node.push(item);
  for (let index = change.removeCount; index < tail.length; index++) node.push(tail[index] ?? null);
  return removed;
}

/** Makes the array hold exactly these elements. */
export function writeContent(node: StateArray, content: readonly StateValue[]): void {
  node.length = content.length;
  for (let index = 0; index < content.length; index++) node[index] = content[index] ?? null;
}
