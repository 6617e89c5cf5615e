// How many refused calls may be sent again: a share of the calls that are made, so that clients of a server in trouble
// do not multiply its load. Pure: it knows no clocks but the times it is given.
import { CLIENT_LIMITS } from "../limits.js";

export class RetryBudget {
  #tokens: number = CLIENT_LIMITS.retryTokensMax;
  #atMs = 0;

  /** A call was sent for the first time. */
  earn(): void {
    this.#add(CLIENT_LIMITS.retryShare);
  }

  /** A call that was sent again was answered for good: what it took is given back. */
  restore(): void {
    this.#add(1);
  }

  /** Takes what one retry costs; otherwise says in how many whole milliseconds there will be enough. */
  spend(nowMs: number): number {
    this.#add(((nowMs - this.#atMs) / 1_000) * CLIENT_LIMITS.retriesPerSecond);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / CLIENT_LIMITS.retriesPerSecond) * 1_000);
    this.#tokens--;
    return 0;
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(CLIENT_LIMITS.retryTokensMax, this.#tokens + tokens);
  }
}
