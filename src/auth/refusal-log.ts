// Tells the operator why tokens are refused without letting strangers fill the log: each reason at once, and then what
// came of it in a while. It is given reasons that quote no token, and never the token.
import type { Runtime } from "../runtime/runtime.js";

/** Hears that so many tokens were refused for a reason. */
export type HearRefusals = (refusals: { readonly reason: string; readonly count: number }) => void;

const QUIET_MS = 10_000;
const REASONS_MAX = 64;

/** Why tokens were refused. */
export class RefusalLog {
  readonly #runtime: Runtime;
  readonly #hear: HearRefusals;
  /** Of the reasons said a moment ago: how often since. */
  readonly #since = new Map<string, number>();

  constructor(runtime: Runtime, hear: HearRefusals) {
    this.#runtime = runtime;
    this.#hear = hear;
  }

  /** One more. */
  note(reason: string): void {
    const count = this.#since.get(reason);
    if (count !== undefined) this.#since.set(reason, count + 1);
    else if (this.#since.size < REASONS_MAX) this.#say(reason, 1);
  }

  #say(reason: string, count: number): void {
    this.#hear({ reason, count });
    this.#since.set(reason, 0);
    this.#runtime.setTimer(QUIET_MS, () => this.#sayRest(reason));
  }

  #sayRest(reason: string): void {
    const count = this.#since.get(reason) ?? 0;
    this.#since.delete(reason);
    if (count > 0) this.#say(reason, count);
  }
}
