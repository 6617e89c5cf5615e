// A draft: the recording proxy of one node. This file owns where a draft is (found at the time of a write, never kept)
// and how one value is written or deleted; what objects and arrays add to that is in their own files.

import { formatPointer } from "@tidemark/protocol";
import { bytesOf } from "./detach.js";
import { InvalidStateError } from "./invalid-state.js";
import { type Journal, type Logged, Slot } from "./journal.js";
import { isNode, type StateNode, type StateValue } from "./state-node.js";
import type { Checked, Transaction } from "./transaction.js";
import { refusal, View } from "./view.js";

/** Who keeps a write: operation and undo; undo only, as an operation above holds the value; neither, it is all new. */
export const LOGGED = 0;
export const FOLDED = 1;
export const FRESH = 2;
export type Mode = typeof LOGGED | typeof FOLDED | typeof FRESH;

/** Makes the draft of a node; the one place that knows both kinds. */
export type CreateDraft = (
  pool: DraftPool,
  node: StateNode,
  place: { parent: Draft | undefined; key: string },
) => Draft;

/** The drafts of one transaction: one for each node that was touched. */
export class DraftPool {
  readonly transaction: Transaction;
  readonly #create: CreateDraft;
  readonly #drafts = new Map<StateNode, Draft>();

  constructor(transaction: Transaction, create: CreateDraft) {
    this.transaction = transaction;
    this.#create = create;
  }

  root(node: StateNode): Draft {
    return this.#create(this, node, { parent: undefined, key: "" });
  }

  of(node: StateNode, parent: Draft, key: string): Draft {
    const known = this.#drafts.get(node);
    if (known !== undefined) {
      known.key = key;
      return known;
    }
    const draft = this.#create(this, node, { parent, key });
    if (this.transaction.fresh.has(node)) draft.mode = FRESH;
    this.#drafts.set(node, draft);
    return draft;
  }
}

/** Where a node is now. `tokens` may be extended by the key that is written. */
export interface Place {
  readonly tokens: string[];
  readonly mode: Mode;
}

export abstract class Draft<N extends StateNode = StateNode> extends View<N> implements Checked {
  declare readonly parent: Draft | undefined;
  mode: Mode = LOGGED;
  protected readonly pool: DraftPool;
  protected readonly transaction: Transaction;
  protected slots: Map<string, Slot> | undefined;

  constructor(pool: DraftPool, node: N, place: { parent: Draft | undefined; key: string }) {
    super(node, place.parent, place.key);
    this.pool = pool;
    this.transaction = pool.transaction;
  }

  /** The key under which the node holds this child now; undefined: it does not. `hint` is where it was last seen. */
  abstract keyOf(child: StateNode, hint: string): string | undefined;
  protected abstract store(key: string, value: StateValue): void;

  /** Pointer of the node now; undefined when it, or something above it, was removed. */
  pointer(): string | undefined {
    const place = this.#find();
    return place === undefined ? undefined : formatPointer(place.tokens);
  }

  /** Where to write. Throws for a node that is no longer in the state: the write would be lost. */
  protected locate(): Place {
    const place = this.#find();
    if (place !== undefined) return place;
    throw new InvalidStateError(this.lastSeenAt(), "this part was removed from the state; a write to it would be lost");
  }

  #find(): Place | undefined {
    const tokens: string[] = [];
    let mode: Mode = this.mode;
    let child: Draft = this;
    for (let parent = child.parent; parent !== undefined; parent = parent.parent) {
      const key = parent.keyOf(child.node, child.key);
      if (key === undefined) return undefined;
      child.key = key;
      tokens.push(key);
      if (parent.mode > mode) mode = parent.mode;
      child = parent;
    }
    tokens.reverse();
    return { tokens, mode };
  }

  above(levels: number): Draft {
    let draft: Draft = this;
    for (let level = 1; level < levels && draft.parent !== undefined; level++) draft = draft.parent;
    return draft;
  }

  protected assertLive(): void {
    if (!this.transaction.live) throw new TypeError("this draft is dead: its transaction is over");
  }

  protected proxyOf(child: StateNode, key: string): StateNode {
    return this.pool.of(child, this, key).proxy;
  }

  protected refuse(key: string | symbol | undefined, problem: string): never {
    this.assertLive();
    throw refusal(this, key, problem);
  }

  /** Sets a key. `old` is its value now, undefined when it has none. */
  protected assign(key: string, old: StateValue | undefined, raw: unknown): void {
    if (old !== undefined && isSame(old, raw)) return;
    const write = this.#open(key, old);
    const { tokens, mode, slot } = write;
    const isMove = mode === LOGGED && old === undefined && slot === undefined && this.isMove(raw, tokens);
    const { value, bytes } = this.#take(raw, write);
    this.transaction.coverWrite(tokens, value, this);
    if (isMove) this.#logMove(key, tokens);
    else if (mode !== FRESH) this.#logSet(write, value).charged += bytes;
    this.store(key, value);
  }

  /** Deletes a key that is there. */
  protected remove(key: string, old: StateValue): void {
    const write = this.#open(key, old);
    this.transaction.coverRemoval(write.tokens, this);
    this.#refund(write);
    if (write.slot === undefined) this.#logDelete(write, old);
    else if (write.mode === LOGGED) write.slot.delete();
  }

  protected isMove(raw: unknown, path: readonly string[]): boolean {
    return this.transaction.removal !== undefined && this.transaction.isMove(View.behind(raw)?.node, path);
  }

  #open(key: string, old: StateValue | undefined): Write {
    const { tokens, mode } = this.locate();
    tokens.push(key);
    return { key, old, tokens, mode, slot: this.slots?.get(key) };
  }

  /** The value as it will stand in the state, and what it was counted for. */
  #take(raw: unknown, write: Write): { value: StateValue; bytes: number } {
    const { copier } = this.transaction;
    const { old, tokens } = write;
    const isAppend = typeof raw === "string" && typeof old === "string" && raw.startsWith(old);
    if (!isAppend) this.#refund(write);
    const bytesBefore = copier.bytes;
    const value = isAppend ? copier.takeAppended(raw, old.length, tokens) : copier.take(raw, tokens);
    return { value, bytes: copier.bytes - bytesBefore };
  }

  /** Takes back what a value that goes had been counted for: a counter may be written any number of times. */
  #refund({ slot, mode, old, tokens }: Write): void {
    const { copier } = this.transaction;
    if (slot !== undefined) {
      copier.charge(-slot.charged, tokens);
      slot.charged = 0;
    } else if (mode === FRESH && !isNode(old)) copier.charge(-bytesOf(old), tokens);
  }

  #logSet({ key, tokens, mode, old, slot: open }: Write, value: StateValue): Slot {
    const slot =
      open ?? this.#openSlot(key, old, mode === LOGGED ? this.#journal.log("=", formatPointer(tokens)) : undefined);
    if (mode === LOGGED) slot.set(value);
    if (isNode(value)) this.transaction.fresh.add(value);
    return slot;
  }

  #logDelete({ key, tokens, mode }: Write, old: StateValue): void {
    if (mode === FRESH) return;
    const operation = mode === LOGGED ? this.#journal.log("-", formatPointer(tokens)) : undefined;
    this.#openSlot(key, old, operation);
    if (operation === undefined || !isNode(old)) return;
    this.transaction.removal = { node: old, operation, part: tokens[0], seal: () => this.slots?.delete(key) };
  }

  /** The key gets no slot: its operation must stay a move. */
  #logMove(key: string, tokens: readonly string[]): void {
    this.transaction.logMove(tokens);
    this.#journal.add(new Slot(this.node, key, { before: undefined, operation: undefined }));
  }

  #openSlot(key: string, before: StateValue | undefined, operation: Logged | undefined): Slot {
    const slot = new Slot(this.node, key, { before, operation });
    this.slotsNow().set(key, slot);
    this.#journal.add(slot);
    return slot;
  }

  protected slotsNow(): Map<string, Slot> {
    this.slots ??= new Map();
    return this.slots;
  }

  get #journal(): Journal {
    return this.transaction.journal;
  }
}

/** One write, before anything is changed. `tokens` is its whole path. */
interface Write extends Place {
  readonly key: string;
  readonly old: StateValue | undefined;
  readonly slot: Slot | undefined;
}

/** Writing a value over itself changes nothing, also when it comes as its own draft. */
function isSame(old: StateValue, raw: unknown): boolean {
  return isNode(old) ? View.behind(raw)?.node === old : old === raw;
}
