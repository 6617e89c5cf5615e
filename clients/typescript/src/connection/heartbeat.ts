// Tells an idle connection from a dead one, and one that is up to date from one that was asleep. It answers nothing and
// compares nothing itself: the heads are the subscriptions' to judge. One timer, armed for the next moment that could
// matter, is all it costs per message.
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";

interface HeartbeatOptions {
  readonly platform: Platform;
  /** Sends pings with heads; the k of the last. */
  readonly ping: () => number;
  /** Nothing came for the watchdog's time. */
  readonly dead: () => void;
  /** `trusted` is another. */
  readonly trustChanged: () => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #watchdogMs = 0;
  #heardMs = 0;
  /** Silence past this is death; moved by each message, and by a wake. */
  #deadlineMs = 0;
  #dueMs = 0;
  #pinged = false;
  #graced = false;
  /** After a silence past the watchdog: the ping whose answer will show that nothing is under way any more. */
  #awaited: number | undefined;
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** When something last came, on the monotonic clock; kept when it stops. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** The watchdog has not run out, and if it did, everything sent meanwhile has come since. */
  get trusted(): boolean {
    return this.#awaited === undefined && !this.#isSilent(this.#options.platform.monotonicMs());
  }

  start(watchdogMs: number): void {
    this.stop();
    this.#watchdogMs = watchdogMs;
    this.#awaited = undefined;
    this.heard();
    this.#arm();
  }

  /** A message came. */
  heard(): void {
    const nowMs = this.#options.platform.monotonicMs();
    // Asleep, with timers that were asleep too: what comes first may be what waited longest.
    if (this.#isSilent(nowMs) && nowMs - this.#doubtedMs >= this.#watchdogMs) this.#doubt();
    this.#heardMs = nowMs;
    this.#deadlineMs = nowMs + this.#watchdogMs;
    this.#pinged = false;
    this.#graced = false;
  }

  /** The answer to ping `k` came, and before it all that was sent before it. */
  answered(k: number): void {
    if (this.#awaited === undefined || k < this.#awaited) return;
    this.#awaited = undefined;
    this.#options.trustChanged();
  }

  /** The page was shown, the network changed, or somebody asks: pings, and waits for the answer only a short time. */
  ask(): void {
    if (this.#cancel === undefined) return;
    if (this.#isSilent(this.#options.platform.monotonicMs())) this.#doubt();
    else this.#options.ping();
    this.#grace();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #isSilent(nowMs: number): boolean {
    return this.#cancel !== undefined && nowMs - this.#heardMs >= this.#watchdogMs;
  }

  #doubt(): void {
    this.#doubtedMs = this.#options.platform.monotonicMs();
    this.#awaited = this.#options.ping();
    this.#options.trustChanged();
  }

  #grace(): void {
    this.#deadlineMs = this.#options.platform.monotonicMs() + CLIENT_LIMITS.wakeGraceMs;
    this.#pinged = true;
    this.#graced = true;
    this.#arm();
  }

  #arm(): void {
    this.#cancel?.();
    const nowMs = this.#options.platform.monotonicMs();
    const pingAtMs = this.#heardMs + this.#watchdogMs / 2;
    this.#dueMs = this.#pinged ? this.#deadlineMs : Math.min(pingAtMs, this.#deadlineMs);
    this.#cancel = this.#options.platform.setTimer(Math.max(0, this.#dueMs - nowMs), () => this.#check());
  }

  #check(): void {
    const nowMs = this.#options.platform.monotonicMs();
    // A frozen page runs its timers before the messages that waited with them: ask before judging.
    const late = nowMs - this.#dueMs > CLIENT_LIMITS.lateTimerMs;
    if (nowMs >= this.#deadlineMs && late && !this.#graced) {
      this.ask();
      return;
    }
    if (nowMs >= this.#deadlineMs) {
      this.stop();
      this.#options.dead();
      return;
    }
    if (!this.#pinged && nowMs >= this.#heardMs + this.#watchdogMs / 2) {
      this.#pinged = true;
      this.#options.ping();
    }
    this.#arm();
  }
}
