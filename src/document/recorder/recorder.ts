// Recording one transaction: a draft of the live state to write to in place, then its operations, or its undoing. It
// owns the beginning and the end; between them drafts do the work. It never decides what a refusal means.
import type { JsonObject, PatchOperation } from "@tidemark/protocol";
import { ArrayDraft } from "./array-draft.js";
import type { DetachLimits } from "./detach.js";
import type { Draft, Drafting } from "./draft.js";
import { ObjectDraft } from "./object-draft.js";
import type { StateGuard } from "./state-guard.js";
import type { StateNode, StateObject } from "./state-node.js";
import { Transaction } from "./transaction.js";

/** What a transaction did to the state, in order, as text: it shares nothing with the state. */
export class Recorded {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }

  /** Read from the text again each time. */
  get operations(): readonly PatchOperation[] {
    return JSON.parse(this.json);
  }
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
  return new TreeRecording(writable(root), options);
}

/** All of a transaction in one object: a message is executed with as few as can be. */
class TreeRecording<S extends object> extends Transaction implements Drafting, Recording<S> {
  readonly #root: Draft;

  constructor(root: StateObject, options: RecordOptions) {
    super(options.guard, options);
    this.#root = this.draftOf(root, undefined);
  }

  get draft(): S {
    // The draft has the shape of the state; that its schema describes it is the document's business.
    return this.#root.proxy as object as S;
  }

  draftOf(node: StateNode, parent: Draft | undefined): Draft {
    return Array.isArray(node) ? new ArrayDraft(this, node, parent) : new ObjectDraft(this, node, parent);
  }

  finish(): Recorded {
    if (!this.live) throw new TypeError("this transaction is over");
    try {
      this.runDeferred();
    } catch (error) {
      this.rollback();
      throw error;
    }
    this.live = false;
    return new Recorded(JSON.stringify(this.journal.operations()));
  }

  rollback(): void {
    this.live = false;
    this.journal.undoAll();
  }
}

/** The recorder is the one writer of a live tree, which everybody else sees as readonly. */
const writable = (root: JsonObject): StateObject => root as StateObject;
