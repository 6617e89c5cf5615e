// What one transaction did: operations to tell others, and what is needed to undo them. It knows nodes and pointers,
// nothing of proxies, and never decides whether a write is allowed.
import { formatPointer, type PatchOperation } from "@tidemark/protocol";
import type { Link } from "./few.js";
import type { StateArray, StateNode, StateValue } from "./state-node.js";

type Code = PatchOperation[0];

/**
 * One thing that was done: at most one operation, which may still change, and its undoing. Undone in reverse order, each
 * entry finds the tree as it left it.
 */
export class Entry {
  /** The journal is a chain: two writes need no list. */
  earlier: Entry | undefined;
  /** undefined: no operation, as one above holds the value, or as writes have cancelled out. */
  code: Code | undefined;
  /** Of the operation; undefined as long as none was logged. */
  path: string | undefined;
  /** The live value, so that later writes inside it are part of it; of an append what is new, of a move its origin. */
  value: StateValue;

  constructor(code?: Code, value: StateValue = null) {
    this.code = code;
    this.value = value;
  }

  /** Makes a move to `path` of a removal. */
  becomeMove(path: readonly string[]): void {
    this.code = ">";
    this.value = this.path ?? "";
    this.path = formatPointer(path);
  }

  undo(): void {}
}

export class Journal {
  #latest: Entry | undefined;
  #lastOperation: Entry | undefined;

  get lastOperation(): Entry | undefined {
    return this.#lastOperation;
  }

  /** Adds what needs no operation. */
  add(entry: Entry): void {
    entry.earlier = this.#latest;
    this.#latest = entry;
  }

  /** Adds an operation at a path. */
  log(entry: Entry, path: string): void {
    entry.path = path;
    this.#lastOperation = entry;
    this.add(entry);
  }

  /** Restores every node, elements in their order; a key that was deleted comes back as the last one of its object. */
  undoAll(): void {
    while (this.#latest !== undefined) {
      this.#latest.undo();
      this.#latest = this.#latest.earlier;
    }
  }

  /** The operations in their order. Values are live: they are right until the next write. */
  operations(): PatchOperation[] {
    let count = 0;
    for (let entry = this.#latest; entry !== undefined; entry = entry.earlier) if (entry.code !== undefined) count += 1;
    const operations = new Array<PatchOperation>(count);
    for (let entry = this.#latest; entry !== undefined; entry = entry.earlier) {
      if (entry.code === undefined) continue;
      count -= 1;
      operations[count] = operationOf(entry.code, entry.path ?? "", entry.value);
    }
    return operations;
  }
}

function operationOf(code: Code, path: string, value: StateValue): PatchOperation {
  switch (code) {
    case "-":
      return ["-", path];
    case ">":
      return [">", String(value), path];
    case "~":
      return ["~", path, String(value)];
    default:
      return [code, path, value];
  }
}

/**
 * All writes of one transaction to one key of one node. They make at most one operation, which is rewritten in place:
 * at its point in the log its path led to this very node, wherever the node has moved since, and nothing below the key
 * was logged after it. A slot of an array is forgotten as soon as elements shift.
 */
export class Slot extends Entry implements Link<string, Slot> {
  next: Slot | undefined;
  readonly #node: StateNode;
  readonly #key: string;
  /** The value at the first write; undefined: there was none. */
  readonly #before: StateValue | undefined;
  /** Bytes counted for the value that stands there now. */
  charged = 0;

  constructor(node: StateNode, key: string, before: StateValue | undefined) {
    super();
    this.#node = node;
    this.#key = key;
    this.#before = before;
  }

  get id(): string {
    return this.#key;
  }

  /** Whether the operation must stay what it is: the next write to the key is one of its own. */
  get isSealed(): boolean {
    return this.code === ">";
  }

  set(value: StateValue): void {
    if (this.path === undefined) return;
    const before = this.#before;
    this.value = value;
    if (before === undefined) this.code = "+";
    else if (value === before) this.code = undefined;
    else if (typeof before === "string" && typeof value === "string" && before !== "" && value.startsWith(before)) {
      this.code = "~";
      this.value = value.slice(before.length);
    } else this.code = "=";
  }

  delete(): void {
    if (this.path === undefined) return;
    this.code = this.#before === undefined ? undefined : "-";
    this.value = null;
  }

  override undo(): void {
    const node = this.#node;
    if (Array.isArray(node)) {
      // A new element goes with the splice that brought it.
      if (this.#before !== undefined) node[Number(this.#key)] = this.#before;
    } else if (this.#before === undefined) delete node[this.#key];
    else node[this.#key] = this.#before;
  }
}

/** What a splice did at one place of an array. */
export interface Change {
  readonly start: number;
  readonly removed: readonly StateValue[];
  readonly values: readonly StateValue[];
}

/** Elements that came and went. */
export class Splice extends Entry {
  readonly #node: StateArray;
  readonly #change: Change;

  constructor(node: StateArray, change: Change) {
    super();
    this.#node = node;
    this.#change = change;
  }

  override undo(): void {
    const { start, removed, values } = this.#change;
    spliceNode(this.#node, start, { removeCount: values.length, items: removed });
  }
}

/** All elements of an array, for changes that log the whole of it. */
export class Content extends Entry {
  readonly #node: StateArray;
  readonly #before: readonly StateValue[];

  constructor(node: StateArray) {
    super();
    this.#node = node;
    this.#before = node.slice();
  }

  override undo(): void {
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
