// The draft of an object: any key is data but `__proto__`.
import { Draft } from "./draft.js";
import type { StateNode, StateObject, StateValue } from "./state-node.js";

export class ObjectDraft extends Draft<StateObject> {
  set(node: StateObject, key: string | symbol, value: unknown): boolean {
    this.assertLive();
    if (typeof key === "symbol") return this.refuse(key, "");
    if (key === "__proto__") return this.refuse(key, "the key __proto__ is forbidden");
    this.assign(key, node[key], value);
    return true;
  }

  deleteProperty(node: StateObject, key: string | symbol): boolean {
    this.assertLive();
    if (typeof key === "symbol" || !Object.hasOwn(node, key)) return true;
    this.remove(key, node[key] ?? null);
    delete node[key];
    return true;
  }

  override keyOf(child: StateNode, hint: string): string | undefined {
    // A key cannot be renamed: what is not where it was is gone.
    return this.node[hint] === child ? hint : undefined;
  }

  protected override store(key: string, value: StateValue): void {
    this.node[key] = value;
  }

  protected override own(key: string): StateValue | undefined {
    // Nodes inherit nothing.
    return this.node[key];
  }

  protected override inherited(): undefined {
    return undefined;
  }
}
