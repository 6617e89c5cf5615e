// What waits at a document: in its mailbox before it was looked at, at its output gate after. Each piece of work can be
// taken back and done again when what it rested on is lost.
import type { Answer, Call, Follower, Opening, OpenRequest } from "./documents.js";
import type { Gated } from "./output-gate.js";

/** A call or an opening. `losses`: how often a transaction of its own was lost before it was durable. */
export type Work = CallWork | OpenWork;

/** `hash` identifies what was asked. */
export interface CallWork {
  readonly kind: "call";
  readonly call: Call;
  readonly hash: Uint8Array;
  readonly losses: number;
}

export interface OpenWork {
  readonly kind: "open";
  readonly request: OpenRequest;
  readonly losses: number;
}

/** Something at the gate that came from a piece of work, or from nobody's. */
export interface GatedWork extends Gated {
  /** What to do again if this is lost; undefined: nothing. */
  readonly work: Work | undefined;
  /** True when the work itself was applied in one of the transactions waited for. */
  readonly applied: boolean;
}

/** An answer that waits for the disk. */
export class GatedAnswer implements GatedWork {
  readonly splitAt = undefined;
  readonly after: number;
  readonly bytes: number;
  readonly work: CallWork;
  readonly applied: boolean;
  readonly #answer: Answer;

  constructor(after: number, work: CallWork, answer: Answer, applied: boolean) {
    this.after = after;
    this.bytes = answer.kind === "ok" ? (answer.resultJson?.length ?? 0) : 0;
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
  readonly bytes = 0;
  readonly after: number;
  readonly splitAt: number;
  readonly work: OpenWork;
  readonly applied: boolean;
  readonly #opening: Opening;
  readonly #admits: (follower: Follower) => boolean;

  /** `admits` is asked when it leaves: the follower may have been closed or denied while it waited. */
  constructor(
    after: number,
    work: OpenWork,
    answer: { opening: Opening; applied: boolean; admits: (follower: Follower) => boolean },
  ) {
    this.after = after;
    this.splitAt = after;
    this.work = work;
    this.applied = answer.applied;
    this.#opening = answer.opening;
    this.#admits = answer.admits;
  }

  release(): void {
    const { follower } = this.work.request;
    if (this.#admits(follower)) follower.opened(this.#opening);
  }
}

/** Ends followers before they see the transaction at `after`, which took their right or their document away. */
export class GatedEnd implements GatedWork {
  readonly work = undefined;
  readonly applied = false;
  readonly bytes = 0;
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

/** Something to do once the disk has caught up. `work` is done again if that is lost. */
export class GatedTask implements GatedWork {
  readonly applied = false;
  readonly splitAt = undefined;
  readonly bytes = 0;
  readonly after: number;
  readonly work: Work | undefined;
  readonly #run: () => void;

  constructor(after: number, run: () => void, work?: Work) {
    this.after = after;
    this.work = work;
    this.#run = run;
  }

  release(): void {
    this.#run();
  }
}
