// Copies values into the state: deep, checked, counted. It refuses whatever JSON cannot say, with the path, and never
// keeps a reference to what it was given.
/// <reference lib="es2024.string" />
import { formatPointer, type Json, parsePointer } from "@tidemark/protocol";
import { InvalidStateError } from "./invalid-state.js";
import { depthOf, Inside, isWithin, type Position, pathOf } from "./position.js";
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
  #bytes = 0;

  constructor(limits: DetachLimits) {
    this.#limits = limits;
  }

  /** A checked copy of the value that will stand there. */
  take(value: unknown, at: Position): StateValue {
    switch (typeof value) {
      case "string":
        this.#requireText(value, at);
        this.charge(bytesOf(value), at);
        return value;
      case "number":
        if (!Number.isFinite(value)) throw refused(at, `${value} is not a JSON number`);
        this.charge(bytesOf(value), at);
        return value === 0 ? 0 : value;
      case "boolean":
        this.charge(bytesOf(value), at);
        return value;
      case "object":
        if (value !== null) return this.#container(value, at);
        this.charge(bytesOf(value), at);
        return null;
      case "undefined":
        throw refused(at, "undefined is not JSON: remove a property with delete, or use null");
      default:
        throw refused(at, `a ${typeof value} is not JSON`);
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
  charge(bytes: number, at: Position): void {
    const { bytesMax } = this.#limits;
    if (this.#bytes + bytes > bytesMax) throw refused(at, `one transaction writes at most ${bytesMax} bytes`);
    this.#bytes += bytes;
  }

  /** Takes back bytes that were written over. */
  refund(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** A copy of a node that is in the state already; counted like any other. */
  copyNode(node: StateNode, at: Position, depth: number = depthOf(at)): StateNode {
    this.#requireDepth(depth, at);
    this.charge(2, at);
    return Array.isArray(node)
      ? node.map((item) => this.#copyValue(item, at, depth))
      : this.#copyObject(node, at, depth);
  }

  #copyObject(node: StateObject, at: Position, depth: number): StateObject {
    const copy = emptyObject();
    for (const key of Object.keys(node)) {
      this.charge(bytesOf(key), at);
      copy[key] = this.#copyValue(node[key] ?? null, at, depth);
    }
    return copy;
  }

  #copyValue(value: StateValue, at: Position, depth: number): StateValue {
    if (isNode(value)) return this.copyNode(value, at, depth + 1);
    this.charge(bytesOf(value), at);
    return value;
  }

  #container(value: object, at: Position): StateNode {
    const view = View.behind(value);
    if (view !== undefined) return this.copyNode(view.node, at);
    if (isWithin(at, value)) throw refused(at, "a value cannot contain itself");
    this.#requireDepth(depthOf(at), at);
    this.charge(2, at);
    return Array.isArray(value) ? this.#array(value, at) : this.#object(value, at);
  }

  #object(value: object, at: Position): StateObject {
    requirePlain(value, at);
    const copy = emptyObject();
    const inside = new Inside(value, at);
    // Names and symbols asked for by themselves take a third of the time of Reflect.ownKeys, and a fifth of the memory.
    for (const key of Object.getOwnPropertyNames(value)) {
      inside.key = key;
      if (key === "__proto__") throw refused(inside, "the key __proto__ is forbidden");
      this.#requireText(key, inside);
      this.charge(bytesOf(key), inside);
      copy[key] = this.take(dataProperty(inside), inside);
    }
    if (Object.getOwnPropertySymbols(value).length > 0) throw refused(at, "a symbol cannot be a key: state is JSON");
    return copy;
  }

  #array(value: readonly unknown[], at: Position): StateArray {
    if (Object.getPrototypeOf(value) !== Array.prototype) throw refused(at, `${nameOf(value)} is not JSON`);
    const copy: StateArray = [];
    const inside = new Inside(value, at);
    const length = value.length;
    for (let index = 0; index < length; index++) {
      inside.key = index;
      copy.push(this.take(dataProperty(inside), inside));
    }
    // Every index is there, and `length`: one key more is no element.
    if (Reflect.ownKeys(value).length !== length + 1) throw refused(at, "an array has elements only, no other keys");
    // Pushing has made room for more, which the state would keep.
    return copy.slice();
  }

  #requireDepth(depth: number, at: Position): void {
    const { depthMax } = this.#limits;
    if (depth >= depthMax) throw refused(at, `state is at most ${depthMax} levels deep`);
  }

  #requireText(text: string, at: Position): void {
    // Half a pair has no UTF-8 form: codecs would replace it, and clients would then differ from the server (R4).
    if (!text.isWellFormed()) throw refused(at, "text holds half of a surrogate pair: cut between code points");
  }
}

const refused = (at: Position, problem: string): InvalidStateError =>
  new InvalidStateError(formatPointer(pathOf(at)), problem);

function dataProperty(inside: Inside): unknown {
  const property = Reflect.getOwnPropertyDescriptor(inside.container, inside.key);
  if (property === undefined) throw refused(inside, "an array cannot have holes");
  if (!("value" in property)) throw refused(inside, "a getter or setter is not JSON");
  if (property.enumerable !== true) throw refused(inside, "a hidden property is not JSON");
  return property.value;
}

function requirePlain(value: object, at: Position): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== "object" || prototype === null || prototype === Object.prototype) return;
  // State nodes, and plain objects of another realm.
  if (Object.getPrototypeOf(prototype) === null) return;
  throw refused(at, `${nameOf(value)} is not JSON`);
}

function nameOf(value: object): string {
  const maker: unknown = Reflect.get(value, "constructor");
  return typeof maker === "function" && maker.name !== "" ? `an instance of ${maker.name}` : "an instance of a class";
}
