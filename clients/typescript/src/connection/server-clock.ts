// The server's clock as this machine can tell it, and whether it can: the wall clock may be set, and the monotonic one
// stands still in the sleep of some machines. It never corrects itself: only a `welcome` says what time it is.
import { CLIENT_LIMITS } from "../limits.js";
import type { Platform } from "../platform/platform.js";

export class ServerClock {
  readonly #platform: Platform;
  /** What to add to each of our clocks. */
  #offsets: { readonly wallMs: number; readonly monotonicMs: number } | undefined;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** `welcome` named the server's time, Unix ms. */
  set(nowMs: number): void {
    this.#offsets = {
      wallMs: nowMs - this.#platform.now(),
      monotonicMs: nowMs - this.#platform.monotonicMs(),
    };
  }

  /** Unix ms by the server's clock, rather ahead of it than behind; undefined before the first `welcome`. */
  get nowMs(): number | undefined {
    if (this.#offsets === undefined) return undefined;
    const wallMs = this.#platform.now() + this.#offsets.wallMs;
    return Math.floor(Math.max(wallMs, this.#platform.monotonicMs() + this.#offsets.monotonicMs));
  }

  /** Our clocks have parted since: one was set, or one slept. What is dated by either may be refused (REQ-10). */
  get hasParted(): boolean {
    if (this.#offsets === undefined) return false;
    const wallMs = this.#platform.now() + this.#offsets.wallMs;
    const apartMs = wallMs - (this.#platform.monotonicMs() + this.#offsets.monotonicMs);
    return Math.abs(apartMs) > CLIENT_LIMITS.clocksApartMs;
  }
}
