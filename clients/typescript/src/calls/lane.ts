// The messages of one document that are not answered yet, in order of n, and the rule by which they may leave: after a
// refusal that invites a retry nothing is sent until every copy under way is answered and the wait is over, then in
// order. Pure bookkeeping: whoever owns it sends.
import type { Call } from "./call.js";

export class Lane {
  /** In order of n, because n rises with insertion. */
  readonly #calls = new Map<number, Call>();
  #queue: Call[] = [];
  #sent = 0;
  #hold: { untilMs: number; readonly jitterMs: number } | undefined;
  /** A copy may be under way until then, which no connection ends. */
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  get empty(): boolean {
    return this.#calls.size === 0;
  }

  /** The lowest n still waited for: `low` on the wire. */
  get low(): number | undefined {
    for (const n of this.#calls.keys()) return n;
    return undefined;
  }

  add(call: Call): void {
    this.#calls.set(call.n, call);
    this.#queue.push(call);
  }

  /** The next call that may leave now; it stays first until `sent`. */
  next(nowMs: number): Call | undefined {
    if (nowMs < this.#notBeforeMs) return undefined;
    if (this.#hold !== undefined) {
      if (this.#sent > 0 || nowMs < this.#hold.untilMs) return undefined;
      this.#hold = undefined;
    }
    return this.#queue[0];
  }

  /** The call that `next` gave has left. */
  sent(): void {
    const call = this.#queue.shift();
    if (call === undefined) return;
    call.state = "sent";
    call.copies++;
    this.#sent++;
  }

  /**
   * A copy was answered, but not for good: it goes back, and the lane waits until `untilMs` and a jitter that is drawn
   * once for all refusals of one wait; the longest of many would be the same for every client. Returns when that is.
   */
  hold(call: Call, untilMs: number, jitterMs: number): number {
    this.#requeue(call);
    this.#hold ??= { untilMs, jitterMs };
    this.#hold.untilMs = Math.max(this.#hold.untilMs, untilMs + this.#hold.jitterMs);
    return this.#hold.untilMs;
  }

  /** A copy is lost and may still be applied before `untilMs`: it goes back, and nothing leaves until then. */
  lost(call: Call, untilMs: number): void {
    this.#requeue(call);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, untilMs);
  }

  remove(call: Call): void {
    this.#calls.delete(call.n);
    if (call.state === "sent") this.#sent--;
    else this.#queue = this.#queue.filter((queued) => queued !== call);
  }

  /** The connection is gone: everything is sent again, in order, on the next one. */
  reset(): void {
    this.#queue = [...this.#calls.values()];
    for (const call of this.#queue) call.state = "queued";
    this.#sent = 0;
    this.#hold = undefined;
  }

  #requeue(call: Call): void {
    if (call.state === "queued") return;
    call.state = "queued";
    this.#sent--;
    const behind = this.#queue.findIndex((queued) => queued.n > call.n);
    if (behind === -1) this.#queue.push(call);
    else this.#queue.splice(behind, 0, call);
  }
}
