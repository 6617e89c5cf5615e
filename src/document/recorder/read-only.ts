// A view of the live state for code that may look and must not touch: queries, `can`, access functions. It reads
// through proxies, so it costs nothing until it is read, and shows later transactions too until it is revoked.
import type { JsonObject } from "@tidemark/protocol";
import { type Methods, READING_METHODS } from "./array-methods.js";
import type { StateNode, StateValue } from "./state-node.js";
import { refusal, View } from "./view.js";

/** An attempt to write to a read-only view. `path` is the JSON pointer of what was to be written. */
export class ReadOnlyStateError extends TypeError {
  override readonly name = "ReadOnlyStateError";
  readonly code = "read_only";
  readonly path: string;

  constructor(path: string, problem: string) {
    super(path === "" ? problem : `${path}: ${problem}`);
    this.path = path;
  }
}

/**
 * A deep, read-only, live view. The same node gives the same proxy, so `===` compares. Every write throws
 * ReadOnlyStateError; every use after `revoke` throws TypeError.
 */
export function readOnly<S extends object>(root: JsonObject): { readonly view: S; revoke(): void } {
  const scope: Scope = { live: true, views: new WeakMap() };
  // The view has the shape of the state; that its schema describes it is the document's business.
  const view = viewOf(scope, root as StateNode, { parent: undefined, key: "" }).proxy as object as S;
  const revoke = (): void => {
    scope.live = false;
  };
  return { view, revoke };
}

interface Scope {
  live: boolean;
  /** Weak: a view may outlive many transactions and must not keep what they removed. */
  readonly views: WeakMap<StateNode, ReadOnlyView>;
}

const NOTHING: Methods = new Map();

class ReadOnlyView extends View {
  readonly #scope: Scope;
  readonly #methods: Methods;

  constructor(scope: Scope, node: StateNode, place: { parent: View | undefined; key: string }) {
    super(node, place.parent, place.key);
    this.#scope = scope;
    this.#methods = Array.isArray(node) ? READING_METHODS : NOTHING;
  }

  set(_node: StateNode, key: string | symbol): never {
    return this.refuse(key, "this state is read-only");
  }

  deleteProperty(_node: StateNode, key: string | symbol): never {
    return this.refuse(key, "this state is read-only");
  }

  protected override assertLive(): void {
    if (!this.#scope.live) throw new TypeError("this view of the state is dead: what it was made for is over");
  }

  protected override valueAt(key: string): StateValue | undefined {
    const { node } = this;
    if (!Array.isArray(node)) return node[key];
    return key === "length" ? node.length : node[Number(key)];
  }

  protected override inherited(key: string | symbol): unknown {
    return this.#methods.get(key);
  }

  protected override proxyOf(child: StateNode, key: string): StateNode {
    return viewOf(this.#scope, child, { parent: this, key }).proxy;
  }

  protected override refuse(key: string | symbol | undefined, problem: string): never {
    this.assertLive();
    throw new ReadOnlyStateError(refusal(this, key, problem).path, problem);
  }
}

function viewOf(scope: Scope, node: StateNode, place: { parent: View | undefined; key: string }): ReadOnlyView {
  const known = scope.views.get(node);
  if (known !== undefined) {
    known.key = place.key;
    return known;
  }
  const view = new ReadOnlyView(scope, node, place);
  scope.views.set(node, view);
  return view;
}
