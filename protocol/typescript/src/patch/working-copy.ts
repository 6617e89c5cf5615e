// A document while a patch is applied to it: the primitives of RFC 6902 on tokens. The input is never written to; a
// node is cloned at the first write below it and written in place after that, so that many operations on one parent
// cost one clone. Invariant: every ancestor of an owned node is owned.
import type { Json, JsonObject } from "../json.js";
import { Budget } from "./budget.js";
import { jsonEquals } from "./json-equals.js";
import { PatchFault } from "./patch-error.js";

type MutableObject = { [name: string]: Json };
type MutableNode = Json[] | MutableObject;
type Tokens = readonly string[];

const INDEX = /^(?:0|[1-9][0-9]{0,9})$/;

/** One patch in progress. After a fault the copy is worthless and must be dropped. */
export class WorkingCopy {
  #root: Json;
  /** Nodes made by this patch, by themselves: only they are written to. */
  readonly #owned = new Map<object, MutableNode>();
  readonly #budget: Budget;

  constructor(document: Json, bytesMax: number) {
    this.#root = document;
    this.#budget = new Budget(bytesMax);
  }

  /** The document as it is now. */
  get document(): Json {
    return this.#root;
  }

  /** What is at the path; it must exist. */
  read(path: Tokens): Json {
    let value = this.#root;
    for (const token of path) value = child(value, token);
    return value;
  }

  add(path: Tokens, value: Json): void {
    this.#budget.charge(value, path.length);
    this.#insert(path, value);
  }

  remove(path: Tokens): void {
    const last = path.at(-1);
    if (last === undefined) throw new PatchFault("invalid_operation", "the whole document cannot be removed");
    const parent = this.#writable(path);
    if (Array.isArray(parent)) parent.splice(existingIndex(parent, last), 1);
    else delete parent[existingKey(parent, last)];
  }

  replace(path: Tokens, value: Json): void {
    this.#budget.charge(value, path.length);
    this.#put(path, value);
  }

  move(from: Tokens, path: Tokens): void {
    const value = this.read(from);
    if (isPrefix(from, path)) {
      if (from.length === path.length) return;
      throw new PatchFault("into_itself", "a value cannot be moved into itself");
    }
    // A move builds nothing; only one that goes deeper can nest the document deeper.
    if (path.length > from.length) this.#budget.charge(value, path.length);
    this.remove(from);
    this.#insert(path, value);
  }

  copy(from: Tokens, path: Tokens): void {
    const value = this.read(from);
    this.#budget.charge(value, path.length);
    this.#insert(path, this.#disowned(value));
  }

  append(path: Tokens, suffix: string): void {
    const text = this.read(path);
    if (typeof text !== "string") throw new PatchFault("not_text", "text can only be appended to text");
    this.#budget.charge(suffix, path.length);
    this.#put(path, text + suffix);
  }

  test(path: Tokens, value: Json): void {
    if (!jsonEquals(this.read(path), value)) throw new PatchFault("test_failed", "the document holds something else");
  }

  #insert(path: Tokens, value: Json): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.#root = value;
      return;
    }
    const parent = this.#writable(path);
    if (Array.isArray(parent)) parent.splice(insertionIndex(parent, last), 0, value);
    else parent[allowedKey(last)] = value;
  }

  #put(path: Tokens, value: Json): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.#root = value;
      return;
    }
    const parent = this.#writable(path);
    if (Array.isArray(parent)) parent[existingIndex(parent, last)] = value;
    else parent[existingKey(parent, last)] = value;
  }

  /** The parent of the path, this patch's own to write to, and so all above it. */
  #writable(path: Tokens): MutableNode {
    let node = this.#own(this.#root);
    this.#root = node;
    for (const token of path.slice(0, -1)) {
      const next = this.#own(child(node, token));
      if (Array.isArray(node)) node[Number(token)] = next;
      else node[token] = next;
      node = next;
    }
    return node;
  }

  #own(value: Json): MutableNode {
    if (typeof value !== "object" || value === null) throw new PatchFault("missing", "there is nothing below a scalar");
    const owned = this.#owned.get(value);
    if (owned !== undefined) return owned;
    const clone = isArray(value) ? value.slice() : { ...value };
    this.#owned.set(clone, clone);
    return clone;
  }

  /** The value with all owned nodes copied, so that later writes to one place do not show in the other. */
  #disowned(value: Json): Json {
    if (typeof value !== "object" || value === null || !this.#owned.has(value)) return value;
    if (isArray(value)) return value.map((item) => this.#disowned(item));
    const clone: MutableObject = {};
    for (const [key, item] of Object.entries(value)) clone[key] = this.#disowned(item);
    return clone;
  }
}

function child(value: Json, token: string): Json {
  if (typeof value !== "object" || value === null) throw new PatchFault("missing", "there is nothing below a scalar");
  const item = isArray(value) ? value[existingIndex(value, token)] : value[existingKey(value, token)];
  if (item === undefined) throw new PatchFault("missing", `there is no "${token}"`);
  return item;
}

function existingKey(node: JsonObject, token: string): string {
  if (!Object.hasOwn(node, allowedKey(token))) throw new PatchFault("missing", `there is no key "${token}"`);
  return token;
}

function allowedKey(token: string): string {
  if (token === "__proto__") throw new PatchFault("forbidden_key", "the key __proto__ is forbidden");
  return token;
}

function existingIndex(node: readonly Json[], token: string): number {
  const index = INDEX.test(token) ? Number(token) : -1;
  if (index < 0 || index >= node.length)
    throw new PatchFault("invalid_index", `"${token}" is no index of ${node.length} items`);
  return index;
}

function insertionIndex(node: readonly Json[], token: string): number {
  if (token === "-") return node.length;
  const index = INDEX.test(token) ? Number(token) : -1;
  if (index < 0 || index > node.length)
    throw new PatchFault("invalid_index", `"${token}" is no place among ${node.length} items`);
  return index;
}

function isPrefix(tokens: Tokens, path: Tokens): boolean {
  return tokens.length <= path.length && tokens.every((token, at) => path[at] === token);
}

function isArray(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
