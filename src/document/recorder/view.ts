// What drafts and read-only views share: reading a node of the live tree through a proxy that sees own keys only and
// never hands out a raw node. Writing is the business of those who extend it.
import { formatPointer } from "@tidemark/protocol";
import { addTo, type Few, findIn, type Link } from "./few.js";
import { InvalidStateError } from "./invalid-state.js";
import type { StateNode, StateValue } from "./state-node.js";
import { isNode } from "./state-node.js";

// Asks a proxy for its view. Never exported: a value from outside cannot answer to it by accident.
const VIEW = Symbol("view");

/**
 * The proxy handler of one node. One object is both handler and record, so that a trap needs no look-up to know where
 * it is. Each keeps those of its children that were looked at: a node never changes its parent.
 */
export abstract class View<N extends StateNode = StateNode> implements Link<StateNode, View> {
  readonly node: N;
  readonly parent: View | undefined;
  readonly proxy: N;
  /** Where the node was last seen in its parent: a hint, since elements of an array move. */
  key = "";
  next: View | undefined;
  #children: Few<StateNode, View>;

  constructor(node: N, parent: View | undefined) {
    this.node = node;
    this.parent = parent;
    this.proxy = new Proxy<N>(node, this);
  }

  get id(): StateNode {
    return this.node;
  }

  /** The view behind a proxy of this room; undefined for every other value. Throws when that proxy is revoked. */
  static behind(value: unknown): View | undefined {
    if (typeof value !== "object" || value === null) return undefined;
    const view: unknown = Reflect.get(value, VIEW);
    return view instanceof View ? view : undefined;
  }

  /** Throws TypeError once the view was revoked. */
  protected abstract assertLive(): void;
  /** The node's own value under a key; undefined: it has none. */
  protected abstract own(key: string): StateValue | undefined;
  /** What a node seems to inherit: array methods, nothing for objects. */
  protected abstract inherited(key: string | symbol): unknown;
  protected abstract viewOf(child: StateNode): View;
  /** Throws; every way to write that has no meaning for JSON ends here. */
  protected abstract refuse(key: string | symbol | undefined, problem: string): never;

  /** Pointer of the node, or of a key in it, as last seen: for messages, never for operations. */
  lastSeenAt(key?: string): string {
    const tokens = key === undefined ? [] : [key];
    for (let view: View = this; view.parent !== undefined; view = view.parent) tokens.push(view.key);
    return formatPointer(tokens.reverse());
  }

  /** The proxy of a node that stands under a key of this one: the same each time. */
  protected proxyOf(child: StateNode, key: string): StateNode {
    let view = findIn(this.#children, child);
    if (view === undefined) {
      view = this.viewOf(child);
      this.#children = addTo(this.#children, view);
    }
    view.key = key;
    return view.proxy;
  }

  get(_node: N, key: string | symbol): unknown {
    this.assertLive();
    if (typeof key === "symbol") return key === VIEW ? this : this.inherited(key);
    const value = this.own(key);
    if (value === undefined) return this.inherited(key);
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
    const value = this.own(key);
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
