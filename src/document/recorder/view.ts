// What drafts and read-only views share: reading a node of the live tree through a proxy that sees own keys only and
// never hands out a raw node. Writing is the business of those who extend it.
import { formatPointer } from "@tidemark/protocol";
import { InvalidStateError } from "./invalid-state.js";
import type { StateNode, StateValue } from "./state-node.js";
import { isNode } from "./state-node.js";

// Asks a proxy for its view. Never exported: a value from outside cannot answer to it by accident.
const VIEW = Symbol("view");

/**
 * The proxy handler of one node. One object is both handler and record, so that a trap needs no look-up to know where
 * it is. `key` is where the node was last seen in its parent: a hint, since elements of an array move.
 */
export abstract class View<N extends StateNode = StateNode> {
  readonly node: N;
  readonly parent: View | undefined;
  readonly proxy: N;
  key: string;

  constructor(node: N, parent: View | undefined, key: string) {
    this.node = node;
    this.parent = parent;
    this.key = key;
    this.proxy = new Proxy<N>(node, this);
  }

  /** The view behind a proxy of this room; undefined for every other value. Throws when that proxy is revoked. */
  static behind(value: unknown): View | undefined {
    if (typeof value !== "object" || value === null) return undefined;
    const view: unknown = Reflect.get(value, VIEW);
    return view instanceof View ? view : undefined;
  }

  /** Throws TypeError once the view was revoked. */
  protected abstract assertLive(): void;
  /** The own value under a key that the node is known to have. */
  protected abstract valueAt(key: string): StateValue | undefined;
  /** What a node seems to inherit: array methods, nothing for objects. */
  protected abstract inherited(key: string | symbol): unknown;
  protected abstract proxyOf(child: StateNode, key: string): StateNode;
  /** Throws; every way to write that has no meaning for JSON ends here. */
  protected abstract refuse(key: string | symbol | undefined, problem: string): never;

  /** Pointer of the node, or of a key in it, as last seen: for messages, never for operations. */
  lastSeenAt(key?: string): string {
    const tokens = key === undefined ? [] : [key];
    for (let view: View = this; view.parent !== undefined; view = view.parent) tokens.push(view.key);
    return formatPointer(tokens.reverse());
  }

  get(node: N, key: string | symbol): unknown {
    this.assertLive();
    if (typeof key === "symbol") return key === VIEW ? this : this.inherited(key);
    if (!Object.hasOwn(node, key)) return this.inherited(key);
    const value = this.valueAt(key);
    return isNode(value) ? this.proxyOf(value, key) : value;
  }

  has(node: N, key: string | symbol): boolean {
    this.assertLive();
    return Object.hasOwn(node, key);
  }

  ownKeys(node: N): (string | symbol)[] {
    this.assertLive();
    return Reflect.ownKeys(node);
  }

  getOwnPropertyDescriptor(node: N, key: string | symbol): PropertyDescriptor | undefined {
    this.assertLive();
    const descriptor: PropertyDescriptor | undefined = Reflect.getOwnPropertyDescriptor(node, key);
    if (descriptor === undefined || typeof key === "symbol") return descriptor;
    const value = this.valueAt(key);
    if (isNode(value)) descriptor.value = this.proxyOf(value, key);
    return descriptor;
  }

  getPrototypeOf(node: N): object | null {
    this.assertLive();
    return Array.isArray(node) ? Array.prototype : null;
  }

  isExtensible(node: N): boolean {
    this.assertLive();
    return Reflect.isExtensible(node);
  }

  setPrototypeOf(): never {
    return this.refuse(undefined, "the prototype of state cannot be set");
  }

  preventExtensions(): never {
    return this.refuse(undefined, "state cannot be frozen, sealed or closed to new keys");
  }

  defineProperty(_node: N, key: string | symbol): never {
    return this.refuse(key, "properties cannot be defined on state: assign the value");
  }
}

/** An error about a write at a key of a node, named by where the node was last seen. */
export function refusal(view: View, key: string | symbol | undefined, problem: string): InvalidStateError {
  if (typeof key === "symbol")
    return new InvalidStateError(view.lastSeenAt(), "a symbol cannot be a key: state is JSON");
  return new InvalidStateError(view.lastSeenAt(key), problem);
}
