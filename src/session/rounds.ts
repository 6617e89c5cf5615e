// Many that have a turn at the same interval each, with one timer for all of them: a timer for each connection takes as much
// memory as the rest of its heartbeat.
import type { CancelTimer, Runtime } from "../runtime/runtime.js";

/** Something that has turns. Its links belong to the rounds. */
export interface Turning {
  /** Whole milliseconds of the monotonic clock. */
  dueAtMs: number;
  previous: Turning | undefined;
  next: Turning | undefined;
  /** Its turn has come; it joins again if it wants another. */
  turn(): void;
}

/** Those who wait for their turn, in the order in which they joined: that in which they are due. */
export class Rounds {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  #first: Turning | undefined = undefined;
  #last: Turning | undefined = undefined;
  /** Set for the first, or for one that has left. */
  #timer: CancelTimer | undefined = undefined;
  #isTurning = false;

  constructor(runtime: Runtime, intervalMs: number) {
    this.#runtime = runtime;
    this.#intervalMs = intervalMs;
  }

  /** It has a turn an interval from now. Only while it does not wait for one. */
  join(member: Turning): void {
    member.dueAtMs = Math.floor(this.#runtime.monotonicMs()) + this.#intervalMs;
    member.previous = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
    if (this.#timer === undefined && !this.#isTurning) this.#setTimer(member);
  }

  /** It has no turn any more; nothing happens when it waits for none. */
  leave(member: Turning): void {
    const { previous, next } = member;
    if (previous === undefined && this.#first !== member) return;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    member.previous = undefined;
    member.next = undefined;
    if (this.#first !== undefined) return;
    this.#timer?.();
    this.#timer = undefined;
  }

  #setTimer({ dueAtMs }: Turning): void {
    const inMs = Math.max(0, dueAtMs - this.#runtime.monotonicMs());
    this.#timer = this.#runtime.setTimer(inMs, () => this.#turn());
  }

  #turn(): void {
    this.#timer = undefined;
    this.#isTurning = true;
    const nowMs = this.#runtime.monotonicMs();
    try {
      // Whoever joins again is due an interval from now.
      for (let member = this.#first; member !== undefined && member.dueAtMs <= nowMs; member = this.#first) {
        this.leave(member);
        member.turn();
      }
    } finally {
      this.#isTurning = false;
      // A bug in one turn takes nobody else's.
      if (this.#first !== undefined) this.#setTimer(this.#first);
    }
  }
}
