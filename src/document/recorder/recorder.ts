// Recording one transaction: a draft of the live state to write to in place, then its operations, or its undoing. It
// owns the beginning and the end; between them drafts do the work. It never decides what a refusal means.
import type { JsonObject, PatchOperation } from "@tidemark/protocol";
import { ArrayDraft } from "./array-draft.js";
import type { DetachLimits } from "./detach.js";
import { type CreateDraft, type Draft, DraftPool } from "./draft.js";
import { ObjectDraft } from "./object-draft.js";
import type { StateGuard } from "./state-guard.js";
import type { StateObject } from "./state-node.js";
import { Transaction } from "./transaction.js";

/** What a transaction did to the state, in order; plain data that shares nothing with it. */
export interface Recorded {
  readonly operations: readonly PatchOperation[];
}

/** One transaction under way. Only one may be under way on a root, and nothing else may write to it meanwhile. */
export interface Recording<S extends object> {
  readonly draft: S;
  /** Runs the checks that had to wait and ends the drafts. Throws InvalidStateError after rolling back. */
  finish(): Recorded;
  /**
   * Restores the state to what it was, and ends the drafts: equal as JSON, elements in their order; a key that was
   * deleted comes back as the last one of its object. Also after `finish`, while nothing else was written; a second
   * call does nothing.
   */
  rollback(): void;
}

/** `depthMax`: arrays and objects inside one another; `bytesMax`: values written in all, about as JSON text. */
export interface RecordOptions extends DetachLimits {
  readonly guard?: StateGuard;
}

/**
 * Starts recording. The draft writes to `root` itself, which must consist of state nodes (see `detach`). Cost is that
 * of the writes, whatever the size of the state. Writes throw InvalidStateError and then have changed nothing.
 */
export function record<S extends object>(root: JsonObject, options: RecordOptions): Recording<S> {
  const transaction = new Transaction(options.guard, options);
  const draft = new DraftPool(transaction, createDraft).root(writable(root));
  const rollback = (): void => {
    transaction.live = false;
    transaction.journal.undoAll();
  };
  const finish = (): Recorded => {
    if (!transaction.live) throw new TypeError("this transaction is over");
    try {
      transaction.runDeferred();
    } catch (error) {
      rollback();
      throw error;
    }
    transaction.live = false;
    return { operations: transaction.journal.operations() };
  };
  // The draft has the shape of the state; that its schema describes it is the document's business.
  return { draft: draft.proxy as object as S, finish, rollback };
}

const createDraft: CreateDraft = (pool, node, place): Draft =>
  Array.isArray(node) ? new ArrayDraft(pool, node, place) : new ObjectDraft(pool, node, place);

/** The recorder is the one writer of a live tree, which everybody else sees as readonly. */
const writable = (root: JsonObject): StateObject => root as StateObject;
