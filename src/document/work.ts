// What waits at a document: in its mailbox before it was looked at, at its output gate after. Each piece of work can be
// taken back and done again when what it rested on is lost.
import type { Answer, Call, Follower, Opening, OpenRequest } from "./documents.js";
import type { Gated } from "./output-gate.js";

/** A call or an opening, with what was derived from it once. */
export type Work = CallWork | OpenWork;

/** `hash` identifies what was asked. */
export interface CallWork {
  readonly kind: "call";
  readonly call: Call;
  readonly hash: Uint8Array;
}

export interface OpenWork {
  readonly kind: "open";
  readonly request: OpenRequest;
}

/** Something at the gate that came from a piece of work, or from nobody's. */
export interface GatedWork extends Gated {
  /** What to do again if this is lost; undefined: nothing. */
  readonly work: Work | undefined;
  /** True when the work was applied in the lost transactions. */
  readonly applied: boolean;
}

/** An answer that waits for the disk. */
export class GatedAnswer implements GatedWork {
  readonly splitAt = undefined;
  readonly after: number;
  readonly work: CallWork;
  readonly applied: boolean;
  readonly #answer: Answer;

  constructor(after: number, work: CallWork, answer: Answer, applied: boolean) {
    this.after = after;
    this.work = work;
    this.applied = applied;
    this.#answer = answer;
  }

  release(): void {
    this.work.call.origin.answer(this.work.call.n, this.#answer);
  }
}

/** An opening: what was committed before its snapshot is delivered before it. */
export class GatedOpening implements GatedWork {
  readonly applied = false;
  readonly after: number;
  readonly splitAt: number;
  readonly work: OpenWork;
  readonly #opening: Opening;
  readonly #following: (follower: Follower) => boolean;

  constructor(after: number, work: OpenWork, opening: Opening, following: (follower: Follower) => boolean) {
    this.after = after;
    this.splitAt = after;
    this.work = work;
    this.#opening = opening;
    this.#following = following;
  }

  release(): void {
    const { follower } = this.work.request;
    // It may have been closed or denied while it waited.
    if (this.#following(follower)) follower.opened(this.#opening);
  }
}

/** Ends followers before they see the transaction at `after`, which took their right or their document away. */
export class GatedEnd implements GatedWork {
  readonly work = undefined;
  readonly applied = false;
  readonly after: number;
  readonly splitAt: number;
  readonly #end: () => void;

  constructor(after: number, end: () => void) {
    this.after = after;
    this.splitAt = after - 1;
    this.#end = end;
  }

  release(): void {
    this.#end();
  }
}

/** Work that is done again once the disk has caught up: until then there is no way to do it. */
export class GatedRetry implements GatedWork {
  readonly applied = false;
  readonly splitAt = undefined;
  readonly after: number;
  readonly work: OpenWork;
  readonly #again: (work: OpenWork) => void;

  constructor(after: number, work: OpenWork, again: (work: OpenWork) => void) {
    this.after = after;
    this.work = work;
    this.#again = again;
  }

  release(): void {
    this.#again(this.work);
  }
}

/** Something to do once the disk has caught up, for nobody in particular. */
export class GatedTask implements GatedWork {
  readonly work = undefined;
  readonly applied = false;
  readonly splitAt = undefined;
  readonly after: number;
  readonly #run: () => void;

  constructor(after: number, run: () => void) {
    this.after = after;
    this.#run = run;
  }

  release(): void {
    this.#run();
  }
}
