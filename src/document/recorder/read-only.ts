// A view of the live state for code that may look and must not touch: queries, `can`, access functions. It reads
// through proxies, so it costs nothing until it is read, and shows later transactions too until it is revoked.
import type { JsonObject } from "@tidemark/protocol";
import { READING_METHODS } from "./array-methods.js";
import { ownElement, type StateNode, type StateValue } from "./state-node.js";
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
 * ReadOnlyStateError; every use after `revoke` throws TypeError. For one look: it keeps what it has shown.
 */
export function readOnly<S extends object>(root: JsonObject): Look<S> {
  return new Look(root);
}

/** One look at a state. */
class Look<S extends object> {
  live = true;
  readonly view: S;

  constructor(root: JsonObject) {
    // The view has the shape of the state; that its schema describes it is the document's business.
    this.view = new ReadOnlyView(this, root as StateNode, undefined).proxy as object as S;
  }

  revoke(): void {
    this.live = false;
  }
}

class ReadOnlyView extends View {
  readonly #look: Look<object>;

  constructor(look: Look<object>, node: StateNode, parent: View | undefined) {
    super(node, parent);
    this.#look = look;
  }

  set(_node: StateNode, key: string | symbol): never {
    return this.refuse(key, "this state is read-only");
  }

  deleteProperty(_node: StateNode, key: string | symbol): never {
    return this.refuse(key, "this state is read-only");
  }

  protected override assertLive(): void {
    if (!this.#look.live) throw new TypeError("this view of the state is dead: what it was made for is over");
  }

  protected override own(key: string): StateValue | undefined {
    const { node } = this;
    return Array.isArray(node) ? ownElement(node, key) : node[key];
  }

  protected override inherited(key: string | symbol): unknown {
    return Array.isArray(this.node) ? READING_METHODS.get(key) : undefined;
  }

  protected override viewOf(child: StateNode): View {
    return new ReadOnlyView(this.#look, child, this);
  }

  protected override refuse(key: string | symbol | undefined, problem: string): never {
    this.assertLive();
    throw new ReadOnlyStateError(refusal(this, key, problem).path, problem);
  }
}
