// What application code read of a state, to the second level: its parts, and keys of those. Code that is asked about a
// state is asked again only when something it read was written. It never says what the code made of it.
import type { Json, JsonObject } from "@tidemark/protocol";

/** Past so many keys of one part, all of it counts as read. */
const KEYS_MAX = 64;

/** Stands for every key of a part. */
export const WHOLE = "whole";
/** Keys of one part that were read; none of them: only whether the part is there, and that it is an object. */
export type KeysRead = ReadonlySet<string> | typeof WHOLE;

/** Reads of one or more looks at a state. */
export class Reads {
  readonly #parts = new Map<string, Set<string> | typeof WHOLE>();
  #names = false;

  /** Which parts there are was read. */
  get names(): boolean {
    return this.#names;
  }

  /** What was read of each part. */
  get parts(): ReadonlyMap<string, KeysRead> {
    return this.#parts;
  }

  readNames(): void {
    this.#names = true;
  }

  readPart(part: string): void {
    this.#parts.set(part, WHOLE);
  }

  readPresence(part: string): void {
    if (!this.#parts.has(part)) this.#parts.set(part, new Set());
  }

  readKey(part: string, key: string): void {
    const keys = this.#parts.get(part);
    if (keys === WHOLE) return;
    if (keys === undefined) this.#parts.set(part, new Set([key]));
    else if (keys.size < KEYS_MAX) keys.add(key);
    else this.#parts.set(part, WHOLE);
  }
}

// Which proxy stands for which node. Never exported: a value from outside cannot pass for one.
const LOOKS = new WeakMap<object, PartLook | RootLook>();

/** A read-only view of a frozen tree that reports what is read. The same part is the same proxy each time. */
export function tracked(tree: JsonObject, reads: Reads): object {
  return new RootLook(tree, reads).proxy;
}

/** The node behind a proxy of `tracked`, all of which counts as read; undefined for every other value. */
export function behind(value: object): JsonObject | undefined {
  const look = LOOKS.get(value);
  look?.readAll();
  return look?.node;
}

abstract class Look {
  readonly node: JsonObject;
  readonly proxy: object;

  constructor(node: JsonObject) {
    this.node = node;
    this.proxy = new Proxy(node, this);
  }

  set(): never {
    throw readOnly();
  }

  deleteProperty(): never {
    throw readOnly();
  }

  defineProperty(): never {
    throw readOnly();
  }

  setPrototypeOf(): never {
    throw readOnly();
  }

  preventExtensions(): never {
    throw readOnly();
  }
}

class PartLook extends Look {
  readonly #part: string;
  readonly #reads: Reads;

  constructor(part: string, node: JsonObject, reads: Reads) {
    super(node);
    this.#part = part;
    this.#reads = reads;
    LOOKS.set(this.proxy, this);
  }

  readAll(): void {
    this.#reads.readPart(this.#part);
  }

  get(node: JsonObject, key: string | symbol): unknown {
    if (typeof key === "symbol") return undefined;
    this.#reads.readKey(this.#part, key);
    return node[key];
  }

  has(node: JsonObject, key: string | symbol): boolean {
    if (typeof key === "string") this.#reads.readKey(this.#part, key);
    return Object.hasOwn(node, key);
  }

  getOwnPropertyDescriptor(node: JsonObject, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === "string") this.#reads.readKey(this.#part, key);
    return Reflect.getOwnPropertyDescriptor(node, key);
  }

  ownKeys(node: JsonObject): (string | symbol)[] {
    this.readAll();
    return Reflect.ownKeys(node);
  }
}

class RootLook extends Look {
  readonly #reads: Reads;
  readonly #parts = new Map<string, PartLook>();

  constructor(node: JsonObject, reads: Reads) {
    super(node);
    this.#reads = reads;
    LOOKS.set(this.proxy, this);
  }

  readAll(): void {
    this.#reads.readNames();
    for (const part of Object.keys(this.node)) this.#reads.readPart(part);
  }

  get(node: JsonObject, part: string | symbol): unknown {
    return typeof part === "symbol" ? undefined : this.#shown(node, part);
  }

  has(node: JsonObject, part: string | symbol): boolean {
    if (typeof part === "string") this.#reads.readPresence(part);
    return Object.hasOwn(node, part);
  }

  getOwnPropertyDescriptor(node: JsonObject, part: string | symbol): PropertyDescriptor | undefined {
    const descriptor: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(node, part);
    if (typeof part === "symbol") return descriptor;
    const value = this.#shown(node, part);
    if (descriptor !== undefined) descriptor.value = value;
    return descriptor;
  }

  ownKeys(node: JsonObject): (string | symbol)[] {
    this.#reads.readNames();
    return Reflect.ownKeys(node);
  }

  #shown(node: JsonObject, part: string): unknown {
    const value = node[part];
    if (!isObject(value)) {
      this.#reads.readPart(part);
      return value;
    }
    this.#reads.readPresence(part);
    let look = this.#parts.get(part);
    if (look === undefined) {
      look = new PartLook(part, value, this.#reads);
      this.#parts.set(part, look);
    }
    return look.proxy;
  }
}

const readOnly = (): TypeError => new TypeError("the state that a view or a rule is given is read-only");

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
