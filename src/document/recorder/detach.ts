// Copies values into the state: deep, checked, counted. It refuses whatever JSON cannot say, with the path, and never
// keeps a reference to what it was given.
/// <reference lib="es2024.string" />
import { formatPointer, type Json, parsePointer } from "@tidemark/protocol";
import { InvalidStateError } from "./invalid-state.js";
import {
  emptyObject,
  isNode,
  type StateArray,
  type StateNode,
  type StateObject,
  type StateValue,
} from "./state-node.js";
import { View } from "./view.js";

/** `depthMax`: arrays and objects inside one another, from the root. `bytesMax`: about what JSON text would take. */
export interface DetachLimits {
  readonly depthMax: number;
  readonly bytesMax: number;
}

/**
 * A deep, checked copy as state nodes (objects inherit no keys). `path` is the pointer where the value will stand; its
 * tokens count as depth. Throws InvalidStateError with the path of the first value that is not JSON or passes a limit;
 * what a foreign proxy or getter throws goes through.
 */
export function detach(value: unknown, options: DetachLimits & { readonly path?: string }): Json {
  return new Copier(options).take(value, parsePointer(options.path ?? ""));
}

/** About the bytes a primitive takes as JSON text; escapes are not counted. */
export function bytesOf(value: StateValue | undefined): number {
  return typeof value === "string" ? Buffer.byteLength(value) + 2 : 8;
}

/** About the bytes a value takes as JSON text; stops counting at `max`. */
export function sizeOf(value: StateValue, max = Number.POSITIVE_INFINITY): number {
  if (!isNode(value)) return bytesOf(value);
  let bytes = 2;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && bytes < max; index++)
      bytes += sizeOf(value[index] ?? null, max - bytes);
    return bytes;
  }
  for (const key of Object.keys(value)) {
    if (bytes >= max) break;
    bytes += bytesOf(key) + sizeOf(value[key] ?? null, max - bytes);
  }
  return bytes;
}

/** Copies values and counts what they take, for one transaction. */
export class Copier {
  readonly #limits: DetachLimits;
  #ancestors: object[] | undefined;
  #bytes = 0;

  constructor(limits: DetachLimits) {
    this.#limits = limits;
  }

  /** A checked copy of the value that will stand at `path`. The array is written to meanwhile, and is spoilt by a throw. */
  take(value: unknown, path: string[]): StateValue {
    switch (typeof value) {
      case "string":
        this.#requireText(value, path);
        this.charge(bytesOf(value), path);
        return value;
      case "number":
        if (!Number.isFinite(value)) throw refused(path, `${value} is not a JSON number`);
        this.charge(bytesOf(value), path);
        return value === 0 ? 0 : value;
      case "boolean":
        this.charge(bytesOf(value), path);
        return value;
      case "object":
        if (value !== null) return this.#container(value, path);
        this.charge(bytesOf(value), path);
        return null;
      case "undefined":
        throw refused(path, "undefined is not JSON: remove a property with delete, or use null");
      default:
        throw refused(path, `a ${typeof value} is not JSON`);
    }
  }

  /** A text of which all but the end, from `from` on, was in the state before: only that is checked and counted. */
  takeAppended(text: string, from: number, path: readonly string[]): string {
    const suffix = text.slice(from);
    this.#requireText(suffix, path);
    this.charge(bytesOf(suffix), path);
    return text;
  }

  /** What was counted so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts bytes written. Throws once the transaction has passed its limit. */
  charge(bytes: number, path: readonly string[]): void {
    const { bytesMax } = this.#limits;
    if (this.#bytes + bytes > bytesMax) throw refused(path, `one transaction writes at most ${bytesMax} bytes`);
    this.#bytes += bytes;
  }

  /** Takes back bytes that were written over. */
  refund(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** A copy of a node that is in the state already; counted like any other. */
  copyNode(node: StateNode, path: readonly string[], depth: number = path.length): StateNode {
    this.#requireDepth(depth, path);
    this.charge(2, path);
    return Array.isArray(node)
      ? node.map((item) => this.#copyValue(item, path, depth))
      : this.#copyObject(node, path, depth);
  }

  #copyObject(node: StateObject, path: readonly string[], depth: number): StateObject {
    const copy = emptyObject();
    for (const key of Object.keys(node)) {
      this.charge(bytesOf(key), path);
      copy[key] = this.#copyValue(node[key] ?? null, path, depth);
    }
    return copy;
  }

  #copyValue(value: StateValue, path: readonly string[], depth: number): StateValue {
    if (isNode(value)) return this.copyNode(value, path, depth + 1);
    this.charge(bytesOf(value), path);
    return value;
  }

  #container(value: object, path: string[]): StateNode {
    const view = View.behind(value);
    if (view !== undefined) return this.copyNode(view.node, path);
    this.#ancestors ??= [];
    if (this.#ancestors.includes(value)) throw refused(path, "a value cannot contain itself");
    this.#requireDepth(path.length, path);
    this.charge(2, path);
    this.#ancestors.push(value);
    try {
      return Array.isArray(value) ? this.#array(value, path) : this.#object(value, path);
    } finally {
      this.#ancestors.pop();
    }
  }

  #object(value: object, path: string[]): StateObject {
    requirePlain(value, path);
    const copy = emptyObject();
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === "symbol") throw refused(path, "a symbol cannot be a key: state is JSON");
      path.push(key);
      if (key === "__proto__") throw refused(path, "the key __proto__ is forbidden");
      this.#requireText(key, path);
      this.charge(bytesOf(key), path);
      copy[key] = this.take(dataProperty(value, key, path), path);
      path.pop();
    }
    return copy;
  }

  #array(value: readonly unknown[], path: string[]): StateArray {
    if (Object.getPrototypeOf(value) !== Array.prototype) throw refused(path, `${nameOf(value)} is not JSON`);
    const copy: StateArray = [];
    const length = value.length;
    for (let index = 0; index < length; index++) {
      const key = String(index);
      path.push(key);
      copy.push(this.take(dataProperty(value, key, path), path));
      path.pop();
    }
    // Every index is there, and `length`: one key more is no element.
    if (Reflect.ownKeys(value).length !== length + 1) throw refused(path, "an array has elements only, no other keys");
    return copy;
  }

  #requireDepth(depth: number, path: readonly string[]): void {
    const { depthMax } = this.#limits;
    if (depth >= depthMax) throw refused(path, `state is at most ${depthMax} levels deep`);
  }

  #requireText(text: string, path: readonly string[]): void {
    // Half a pair has no UTF-8 form: codecs would replace it, and clients would then differ from the server (R4).
    if (!text.isWellFormed()) throw refused(path, "text holds half of a surrogate pair: cut between code points");
  }
}

const refused = (path: readonly string[], problem: string): InvalidStateError =>
  new InvalidStateError(formatPointer(path), problem);

function dataProperty(container: object, key: string, path: readonly string[]): unknown {
  const property = Reflect.getOwnPropertyDescriptor(container, key);
  if (property === undefined) throw refused(path, "an array cannot have holes");
  if (!("value" in property)) throw refused(path, "a getter or setter is not JSON");
  if (property.enumerable !== true) throw refused(path, "a hidden property is not JSON");
  return property.value;
}

function requirePlain(value: object, path: readonly string[]): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== "object" || prototype === null || prototype === Object.prototype) return;
  // State nodes, and plain objects of another realm.
  if (Object.getPrototypeOf(prototype) === null) return;
  throw refused(path, `${nameOf(value)} is not JSON`);
}

function nameOf(value: object): string {
  const maker: unknown = Reflect.get(value, "constructor");
  return typeof maker === "function" && maker.name !== "" ? `an instance of ${maker.name}` : "an instance of a class";
}
