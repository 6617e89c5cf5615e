// Tells an idle connection from a dead one. It answers nothing and compares nothing itself: the heads are the
// subscriptions' to judge. One timer, armed for the next moment that could matter, is all it costs per message.
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";

interface HeartbeatOptions {
  readonly platform: Platform;
  /** Sends a ping with heads. */
  readonly ping: () => void;
  /** Nothing came for the watchdog's time. */
  readonly dead: () => void;
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
  #cancel: Cancel | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(watchdogMs: number): void {
    this.stop();
    this.#watchdogMs = watchdogMs;
    this.heard();
    this.#arm();
  }

  /** A message came. */
  heard(): void {
    this.#heardMs = this.#options.platform.monotonicMs();
    this.#deadlineMs = this.#heardMs + this.#watchdogMs;
    this.#pinged = false;
    this.#graced = false;
  }

  /** The page was shown or the network changed: asks at once, and waits for the answer only a short time. */
  wake(): void {
    if (this.#cancel === undefined) return;
    this.#grace();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #grace(): void {
    this.#deadlineMs = this.#options.platform.monotonicMs() + CLIENT_LIMITS.wakeGraceMs;
    this.#pinged = true;
    this.#graced = true;
    this.#options.ping();
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
      this.#grace();
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
