// A draft: the recording proxy of one node. This file owns where a draft is (found at the time of a write, never kept)
// and how one value is written or deleted; what objects and arrays add to that is in their own files.

import { formatPointer } from "@tidemark/protocol";
import { bytesOf } from "./detach.js";
import { addTo, type Few, findIn } from "./few.js";
import { InvalidStateError } from "./invalid-state.js";
import { Slot } from "./journal.js";
import { isNode, type StateNode, type StateValue } from "./state-node.js";
import type { Checked, Transaction } from "./transaction.js";
import { refusal, View } from "./view.js";

/** Who keeps a write: operation and undo; undo only, as an operation above holds the value; neither, it is all new. */
export const LOGGED = 0;
export const FOLDED = 1;
export const FRESH = 2;
export type Mode = typeof LOGGED | typeof FOLDED | typeof FRESH;

/** The transaction as drafts see it: it makes them, as the one who knows both kinds. */
export interface Drafting extends Transaction {
  draftOf(node: StateNode, parent: Draft | undefined): Draft;
}

export abstract class Draft<N extends StateNode = StateNode> extends View<N> implements Checked {
  declare readonly parent: Draft | undefined;
  mode: Mode;
  protected readonly transaction: Drafting;
  protected slots: Few<string, Slot>;

  constructor(transaction: Drafting, node: N, parent: Draft | undefined) {
    super(node, parent);
    this.transaction = transaction;
    this.mode = transaction.isFresh(node) ? FRESH : LOGGED;
  }

  /** The key under which the node holds this child now; undefined: it does not. `hint` is where it was last seen. */
  abstract keyOf(child: StateNode, hint: string): string | undefined;
  protected abstract store(key: string, value: StateValue): void;

  /** Pointer of the node now; undefined when it, or something above it, was removed. */
  pointer(): string | undefined {
    return this.#find() === undefined ? undefined : formatPointer(this.path());
  }

  /** Finds the node before a write. Throws when it is no longer in the state: the write would be lost. */
  protected locate(): Mode {
    const mode = this.#find();
    if (mode !== undefined) return mode;
    throw new InvalidStateError(this.lastSeenAt(), "this part was removed from the state; a write to it would be lost");
  }

  /** Brings the keys from here to the root up to date. Says who keeps a write; undefined: the node is detached. */
  #find(): Mode | undefined {
    let mode: Mode = this.mode;
    let child: Draft = this;
    for (let parent = child.parent; parent !== undefined; parent = parent.parent) {
      const key = parent.keyOf(child.node, child.key);
      if (key === undefined) return undefined;
      child.key = key;
      if (parent.mode > mode) mode = parent.mode;
      child = parent;
    }
    return mode;
  }

  /** The path of the node, or of a key in it, as it was last found. */
  protected path(key?: string | number): string[] {
    let length = key === undefined ? 0 : 1;
    for (let draft: Draft = this; draft.parent !== undefined; draft = draft.parent) length += 1;
    // As long as it must be: pushing would make room for seventeen.
    const tokens = new Array<string>(length);
    if (key !== undefined) tokens[--length] = String(key);
    for (let draft: Draft = this; draft.parent !== undefined; draft = draft.parent) tokens[--length] = draft.key;
    return tokens;
  }

  above(levels: number): Draft {
    let draft: Draft = this;
    for (let level = 1; level < levels && draft.parent !== undefined; level++) draft = draft.parent;
    return draft;
  }

  protected assertLive(): void {
    if (!this.transaction.live) throw new TypeError("this draft is dead: its transaction is over");
  }

  protected override viewOf(child: StateNode): Draft {
    return this.transaction.draftOf(child, this);
  }

  protected refuse(key: string | symbol | undefined, problem: string): never {
    this.assertLive();
    throw refusal(this, key, problem);
  }

  /** Sets a key. `old` is its value now, undefined when it has none. */
  protected assign(key: string, old: StateValue | undefined, raw: unknown): void {
    if (old !== undefined && isSame(old, raw)) return;
    const mode = this.locate();
    const path = this.path(key);
    const slot = this.#slotAt(key);
    const isMove = mode === LOGGED && old === undefined && slot === undefined && this.isMove(raw, path);
    const { copier } = this.transaction;
    const isAppend = typeof raw === "string" && typeof old === "string" && raw.startsWith(old);
    if (!isAppend) this.#refund(slot, old, mode);
    const bytesBefore = copier.bytes;
    const value = isAppend ? copier.takeAppended(raw, old.length, path) : copier.take(raw, path);
    this.transaction.coverWrite(path, value, this);
    if (isMove) this.#logMove(key, path);
    else if (mode !== FRESH) {
      const written = slot ?? this.#openSlot(key, old, mode === LOGGED ? path : undefined);
      written.charged += copier.bytes - bytesBefore;
      if (mode === LOGGED) written.set(value);
      if (isNode(value)) this.transaction.markFresh(value);
    }
    this.store(key, value);
  }

  /** Deletes a key that is there. */
  protected remove(key: string, old: StateValue): void {
    const mode = this.locate();
    const path = this.path(key);
    const slot = this.#slotAt(key);
    this.transaction.coverRemoval(path, this);
    this.#refund(slot, old, mode);
    if (slot === undefined && mode !== FRESH) this.#logDelete(key, old, mode === LOGGED ? path : undefined);
    else if (mode === LOGGED) slot?.delete();
  }

  protected isMove(raw: unknown, path: readonly string[]): boolean {
    return this.transaction.removal !== undefined && this.transaction.isMove(View.behind(raw)?.node, path);
  }

  /** Takes back what a value that goes had been counted for: a counter may be written any number of times. */
  #refund(slot: Slot | undefined, old: StateValue | undefined, mode: Mode): void {
    const { copier } = this.transaction;
    if (slot !== undefined) {
      copier.refund(slot.charged);
      slot.charged = 0;
    } else if (mode === FRESH && !isNode(old)) copier.refund(bytesOf(old));
  }

  #logDelete(key: string, old: StateValue, path: readonly string[] | undefined): void {
    const operation = this.#openSlot(key, old, path);
    operation.delete();
    if (path !== undefined && isNode(old)) this.transaction.removal = { node: old, operation, part: path[0] };
  }

  /** The key gets no slot: its operation must stay a move. */
  #logMove(key: string, path: readonly string[]): void {
    this.transaction.logMove(path);
    this.transaction.journal.add(new Slot(this.node, key, undefined));
  }

  /** The first write to a key. `path` when it needs an operation. */
  #openSlot(key: string, before: StateValue | undefined, path: readonly string[] | undefined): Slot {
    const slot = new Slot(this.node, key, before);
    const { journal } = this.transaction;
    if (path === undefined) journal.add(slot);
    else journal.log(slot, formatPointer(path));
    this.slots = addTo(this.slots, slot);
    return slot;
  }

  #slotAt(key: string): Slot | undefined {
    const slot = findIn(this.slots, key);
    return slot?.isSealed === true ? undefined : slot;
  }
}

/** Writing a value over itself changes nothing, also when it comes as its own draft. */
function isSame(old: StateValue, raw: unknown): boolean {
  return isNode(old) ? View.behind(raw)?.node === old : old === raw;
}
