// When a lost connection comes back: the server's hint if it left one, else a back-off with full jitter. A page that
// wakes may cut the back-off short, never the hint: a draining server spreads its clients out on purpose.
import { type GoAway, LIMITS } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import { backOffMs } from "./back-off.js";

export class ReturnPlan {
  readonly #platform: Platform;
  #hint: GoAway | undefined;
  #wait: { readonly hinted: boolean; readonly cancel: Cancel; readonly due: () => void } | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** `goaway` came. */
  hint(hint: GoAway): void {
    this.#hint = hint;
  }

  /** A connection is live: an old hint means nothing any more. */
  forget(): void {
    this.#hint = undefined;
  }

  /** Calls `due` when it is time, after so many failures in a row; the last try took `waitedMs` of the back-off. */
  wait({ failures, waitedMs }: { readonly failures: number; readonly waitedMs: number }, due: () => void): void {
    const hint = this.#hint;
    this.#hint = undefined;
    const random = this.#platform.random();
    const backOff = Math.max(0, backOffMs(failures, random) - waitedMs);
    const delayMs = hint === undefined ? backOff : hint.afterMs + random * hint.jitterMs;
    this.#arm(delayMs, { hinted: hint !== undefined, due });
  }

  /** The page was shown, or the network came back. */
  wake(): void {
    if (this.#wait === undefined || this.#wait.hinted) return;
    const { due } = this.#wait;
    this.stop();
    this.#arm(this.#platform.random() * LIMITS.backoffBaseMs, { hinted: false, due });
  }

  stop(): void {
    this.#wait?.cancel();
    this.#wait = undefined;
  }

  #arm(delayMs: number, { hinted, due }: { readonly hinted: boolean; readonly due: () => void }): void {
    const cancel = this.#platform.setTimer(Math.min(delayMs, CLIENT_LIMITS.timerMaxMs), () => {
      this.#wait = undefined;
      due();
    });
    this.#wait = { hinted, cancel, due };
  }
}
