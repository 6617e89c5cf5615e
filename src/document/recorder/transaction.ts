// What all drafts of one transaction share: limits, journal, guard, and whether it is still going on. It knows no
// proxies; drafts ask it before they write and tell it afterwards.
import { formatPointer } from "@tidemark/protocol";
import { Copier, type DetachLimits } from "./detach.js";
import { addTo, type Few, findIn, type Link } from "./few.js";
import { InvalidStateError } from "./invalid-state.js";
import { type Entry, Journal } from "./journal.js";
import type { Cover, StateGuard } from "./state-guard.js";
import type { StateNode, StateValue } from "./state-node.js";

/** A node that is written to, or that a check waits for. */
export interface Checked {
  readonly node: StateNode;
  /** The node so many levels above a value in this one: 1 is this one. */
  above(levels: number): Checked;
  /** Pointer of the node now; undefined once it is detached. */
  pointer(): string | undefined;
}

/** The latest removal, while a move can still be made of it. */
export interface Removal {
  readonly node: StateNode;
  readonly operation: Entry;
  /** Name of the top-level part of the state it was in. */
  readonly part: string | undefined;
}

type Check = Cover["check"];

/** What waits for a node. One schema node, one check: there is hardly ever a second one. */
interface Waiting {
  readonly place: Checked;
  readonly checks: Check[];
}

/** A node that came with this transaction. */
class Fresh implements Link<StateNode, Fresh> {
  readonly id: StateNode;
  next: Fresh | undefined;

  constructor(node: StateNode) {
    this.id = node;
  }
}

export class Transaction {
  readonly journal = new Journal();
  readonly copier: Copier;
  live = true;
  removal: Removal | undefined;
  readonly #guard: StateGuard | undefined;
  #fresh: Few<StateNode, Fresh>;
  #deferred: Map<StateNode, Waiting> | undefined;

  constructor(guard: StateGuard | undefined, limits: DetachLimits) {
    this.#guard = guard;
    this.copier = new Copier(limits);
  }

  /** Whether an operation of this transaction holds the node whole: what happens inside needs no operation and no undo. */
  isFresh(node: StateNode): boolean {
    return findIn(this.#fresh, node) !== undefined;
  }

  markFresh(node: StateNode): void {
    this.#fresh = addTo(this.#fresh, new Fresh(node));
  }

  /** Checks a value before it is written at `path`, into `place`. Throws InvalidStateError when it is refused. */
  coverWrite(path: readonly string[], value: StateValue, place: Checked): void {
    if (this.#guard === undefined) return;
    const { depth, check } = this.#guard.coverWrite(path);
    if (depth < path.length) return this.#defer(place.above(path.length - depth), check);
    try {
      check(value);
    } catch (error) {
      throw below(error, formatPointer(path));
    }
  }

  /** Notes what must be checked when `path`, in `place`, is gone. */
  coverRemoval(path: readonly string[], place: Checked): void {
    const cover = this.#guard?.coverRemoval(path);
    if (cover !== undefined) this.#defer(place.above(path.length - cover.depth), cover.check);
  }

  /** Whether inserting this node at `path` right now would put back what was just removed from the same part. */
  isMove(node: StateNode | undefined, path: readonly string[]): boolean {
    const { removal } = this;
    // Nothing was logged since, and a detached node cannot be written to: what is inserted is what was removed. Between
    // parts a move is never logged, or a filter by part would miss the value.
    if (removal === undefined || removal.node !== node || removal.part !== path[0]) return false;
    if (this.journal.lastOperation !== removal.operation) return false;
    // RFC 6902 forbids a move to below where it comes from, although another element may have moved up there.
    return !formatPointer(path).startsWith(`${removal.operation.path}/`);
  }

  /** Makes a move to `path` of the latest removal. */
  logMove(path: readonly string[]): void {
    this.removal?.operation.becomeMove(path);
    this.removal = undefined;
  }

  /** Runs the checks that had to wait. A node that was detached meanwhile has nothing to answer for. */
  protected runDeferred(): void {
    if (this.#deferred === undefined) return;
    for (const { place, checks } of this.#deferred.values()) {
      const pointer = place.pointer();
      if (pointer !== undefined) for (const check of checks) runCheck(check, place.node, pointer);
    }
  }

  #defer(place: Checked, check: Check): void {
    this.#deferred ??= new Map();
    const waiting = this.#deferred.get(place.node);
    if (waiting === undefined) this.#deferred.set(place.node, { place, checks: [check] });
    else if (!waiting.checks.includes(check)) waiting.checks.push(check);
  }
}

function runCheck(check: Check, value: StateValue, pointer: string): void {
  try {
    check(value);
  } catch (error) {
    throw below(error, pointer);
  }
}

/** What a check threw, for a reader who stands at the root. */
const below = (error: unknown, pointer: string): unknown =>
  error instanceof InvalidStateError ? error.below(pointer) : error;
