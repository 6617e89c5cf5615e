// What waits at a document: in its mailbox before it was looked at, at its output gate after. Each piece of work can be
// taken back and done again when what it rested on is lost.
import type { Answer, Call, Follower, Opening, OpenRequest } from "./documents.js";
import type { Gated } from "./output-gate.js";

/** A call or an opening. `losses`: how often a transaction of its own was lost before it was durable. */
export type Work = CallWork | OpenWork;

/** Something at the gate that came from a piece of work, or from nobody's. */
export interface GatedWork extends Gated<GatedWork> {
  /** What to do again if this is lost; undefined: nothing. */
  readonly work: Work | undefined;
  /** True when the work itself was applied in one of the transactions waited for. */
  readonly applied: boolean;
}

/** A call on its way: first through the host, then at the gate with its answer, in one object, since there is one for
 * every call. */
export class CallWork implements GatedWork {
  readonly kind = "call";
  readonly call: Call;
  /** It changes nothing, so nobody remembers it. */
  readonly isQuery: boolean;
  /** Of what was asked; 0 for a query. */
  readonly hash: number;
  losses = 0;
  /** From `answered` on. */
  after = 0;
  applied = false;
  behind: GatedWork | undefined = undefined;
  #answer: Answer | undefined = undefined;

  constructor(call: Call, what: number | "query") {
    this.call = call;
    this.isQuery = what === "query";
    this.hash = what === "query" ? 0 : what;
  }

  get work(): CallWork {
    return this;
  }

  get splitAt(): undefined {
    return undefined;
  }

  get bytes(): number {
    return this.#answer?.kind === "ok" ? (this.#answer.resultJson?.length ?? 0) : 0;
  }

  /** Its answer, which rests on the transactions up to `after`; `applied`: one of them is its own. */
  answered(answer: Answer, after: number, applied: boolean): this {
    this.#answer = answer;
    this.after = after;
    this.applied = applied;
    return this;
  }

  release(): void {
    if (this.#answer !== undefined) this.call.origin.answer(this.call, this.#answer);
  }
}

export interface OpenWork {
  readonly kind: "open";
  readonly request: OpenRequest;
  losses: number;
}

/** An opening: what was committed before its snapshot is delivered before it. */
export class GatedOpening implements GatedWork {
  behind: GatedWork | undefined = undefined;
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
  behind: GatedWork | undefined = undefined;
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

/** Something to do when exactly the transactions up to `after` have been delivered. `work` is done again if that is lost;
 * `applied`: it was applied in one of them. */
export class GatedStep implements GatedWork {
  behind: GatedWork | undefined = undefined;
  readonly bytes = 0;
  readonly after: number;
  readonly splitAt: number;
  readonly work: Work | undefined;
  readonly applied: boolean;
  readonly #run: () => void;

  constructor(after: number, run: () => void, { work, applied = false }: { work?: Work; applied?: boolean } = {}) {
    this.after = after;
    this.splitAt = after;
    this.work = work;
    this.applied = applied;
    this.#run = run;
  }

  release(): void {
    this.#run();
  }
}

/** Something to do once the disk has caught up. `work` is done again if that is lost. */
export class GatedTask implements GatedWork {
  behind: GatedWork | undefined = undefined;
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
