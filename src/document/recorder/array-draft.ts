// The draft of an array: methods become indexed adds and removes, or one replace of the whole where the order changes.
// It never lets a hole or a key that is no index into the state.
import { formatPointer } from "@tidemark/protocol";
import { writingMethods } from "./array-methods.js";
import { sizeOf } from "./detach.js";
import { Draft, FOLDED, FRESH, LOGGED, type Mode } from "./draft.js";
import { addTo } from "./few.js";
import { type Change, Content, Entry, Slot, Splice, spliceNode, writeContent } from "./journal.js";
import { isNode, ownElement, type StateArray, type StateNode, type StateValue } from "./state-node.js";
import { View } from "./view.js";

/** Past so many removals at once, the rest of the array is logged instead when that is shorter. */
const REMOVALS_MAX = 32;
/** An element is looked for so near its last place before the whole array is searched. */
const NEAR_MAX = 4;

export class ArrayDraft extends Draft<StateArray> {
  set(node: StateArray, key: string | symbol, value: unknown): boolean {
    this.assertLive();
    if (typeof key === "symbol") return this.refuse(key, "");
    if (key === "length") return this.#setLength(node, value);
    const index = indexOf(key);
    if (index === undefined) return this.refuse(key, "an array has elements only, no other keys");
    if (index > node.length) return this.refuse(key, `an array cannot have holes: the next index is ${node.length}`);
    if (index === node.length) this.splice(index, 0, [value]);
    else this.assign(key, node[index], value);
    return true;
  }

  deleteProperty(node: StateArray, key: string | symbol): boolean {
    this.assertLive();
    if (!Object.hasOwn(node, key)) return true;
    return this.refuse(key, "an array cannot have holes: use splice or pop");
  }

  #setLength(node: StateArray, length: unknown): boolean {
    if (typeof length !== "number" || !Number.isInteger(length) || length < 0)
      this.refuse("length", "a length is a whole number");
    if (length > node.length) return this.refuse("length", "an array cannot have holes: push elements instead");
    if (length < node.length) this.splice(length, node.length - length, []);
    return true;
  }

  /** Removes and inserts elements; bounds must be right. Returns what was removed, as a handler may see it. */
  splice(start: number, removeCount: number, items: readonly unknown[]): unknown[] {
    this.assertLive();
    if (removeCount === 0 && items.length === 0) return [];
    const mode = this.locate();
    const isMove =
      mode === LOGGED && removeCount === 0 && items.length === 1 && this.isMove(items[0], this.path(start));
    const values = this.#takeAll(start, items);
    if (removeCount > values.length) this.transaction.coverRemoval(this.path(start + values.length), this);
    const removed = spliceNode(this.node, start, { removeCount, items: values });
    if (mode !== FRESH) this.#record(mode, { start, removed, values }, isMove);
    if (removed.length === 0) return removed;
    return removed.map((value, offset) => (isNode(value) ? this.proxyOf(value, String(start + offset)) : value));
  }

  /** Copies of the items, each checked as the element it will be; nothing is changed yet. */
  #takeAll(start: number, items: readonly unknown[]): StateValue[] {
    const { transaction } = this;
    return items.map((item, offset) => {
      const path = this.path(start + offset);
      const value = transaction.copier.take(item, path);
      transaction.coverWrite(path, value, this);
      return value;
    });
  }

  #record(mode: Mode, change: Change, isMove: boolean): void {
    const { start, removed, values } = change;
    this.transaction.journal.add(new Splice(this.node, change));
    const isAppend = removed.length === 0 && start + values.length === this.node.length;
    // Elements have shifted, or were replaced behind their slots.
    if (!isAppend) this.slots = undefined;
    if (isMove) this.transaction.logMove(this.path(start));
    else {
      for (const value of values) if (isNode(value)) this.transaction.markFresh(value);
      if (mode === LOGGED) this.#log(change, isAppend);
    }
  }

  #log({ start, removed, values }: Change, isAppend: boolean): void {
    const { journal } = this.transaction;
    const pointer = formatPointer(this.path());
    if (this.#isShorterWhole(removed.length - values.length, pointer)) {
      this.#logWhole(pointer);
      return;
    }
    for (let offset = 0; offset < values.length; offset++) {
      const value = values[offset] ?? null;
      const isReplace = offset < removed.length;
      if (isReplace && removed[offset] === value) continue;
      const key = String(start + offset);
      if (isAppend) this.#logAppended(key, value, `${pointer}/${key}`);
      else journal.log(new Entry(isReplace ? "=" : "+", value), `${pointer}/${key}`);
    }
    for (let offset = removed.length - 1; offset >= values.length; offset--)
      journal.log(new Entry("-"), `${pointer}/${start + offset}`);
    if (removed.length === 1 && values.length === 0) this.#noteRemoval(removed[0]);
  }

  /** Nothing shifts when elements come at the end, so the next write to one may still change its operation. */
  #logAppended(key: string, value: StateValue, pointer: string): void {
    const slot = new Slot(this.node, key, undefined);
    this.transaction.journal.log(slot, pointer);
    slot.set(value);
    this.slots = addTo(this.slots, slot);
  }

  #noteRemoval(node: StateValue | undefined): void {
    const operation = this.transaction.journal.lastOperation;
    if (operation === undefined || !isNode(node)) return;
    this.transaction.removal = { node, operation, part: this.path()[0] };
  }

  #isShorterWhole(surplus: number, pointer: string): boolean {
    if (surplus <= REMOVALS_MAX || surplus <= this.node.length) return false;
    const bytesOfRemovals = surplus * (pointer.length + 8);
    return sizeOf(this.node, bytesOfRemovals) < bytesOfRemovals;
  }

  /** From here on the operation holds the live array, and what is written in it. */
  #logWhole(pointer: string): void {
    this.transaction.journal.log(new Entry("=", this.node), pointer);
    this.mode = FOLDED;
  }

  /** Gives the array this content: logged whole, unless nothing changes. Nodes in it must be its own or new. */
  rewrite(content: StateArray): void {
    this.assertLive();
    if (content.every((value, index) => value === this.node[index])) return;
    const { transaction } = this;
    const mode = this.locate();
    const path = this.path();
    transaction.coverWrite(path, content, this.parent ?? this);
    if (mode === LOGGED) transaction.copier.charge(sizeOf(content), path);
    if (mode !== FRESH) transaction.journal.add(new Content(this.node));
    if (mode === LOGGED) this.#logWhole(formatPointer(path));
    this.slots = undefined;
    writeContent(this.node, content);
  }

  /** A checked copy of a value as the element it will be at an index. */
  copyFor(index: number, value: unknown): StateValue {
    this.locate();
    return this.transaction.copier.take(value, this.path(index));
  }

  /** The elements as a handler may see them. */
  seen(): StateValue[] {
    this.assertLive();
    return this.node.map((value, index) => (isNode(value) ? this.proxyOf(value, String(index)) : value));
  }

  override keyOf(child: StateNode, hint: string): string | undefined {
    const index = Number(hint);
    const { node } = this;
    if (node[index] === child) return hint;
    for (let distance = 1; distance <= NEAR_MAX; distance++) {
      if (node[index + distance] === child) return String(index + distance);
      if (node[index - distance] === child) return String(index - distance);
    }
    const found = node.indexOf(child);
    return found === -1 ? undefined : String(found);
  }

  protected override store(key: string, value: StateValue): void {
    this.node[Number(key)] = value;
  }

  protected override own(key: string): StateValue | undefined {
    return ownElement(this.node, key);
  }

  protected override inherited(key: string | symbol): unknown {
    return DRAFT_METHODS.get(key);
  }
}

const DRAFT_METHODS = writingMethods((proxy) => {
  const view = View.behind(proxy);
  if (view instanceof ArrayDraft) return view;
  throw new TypeError("an array method of a draft was called on something else");
});

/** The index a key names in its one canonical form; undefined for every other key. */
function indexOf(key: string): number | undefined {
  const index = Number(key);
  return Number.isInteger(index) && index >= 0 && String(index) === key ? index : undefined;
}
