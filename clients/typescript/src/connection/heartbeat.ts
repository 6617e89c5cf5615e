// Tells an idle connection from a dead one, and one that is up to date from one that was asleep. It answers nothing and
// compares nothing itself: the heads are the subscriptions' to judge. One timer, armed for the next moment that could
// matter, is all it costs per message.
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";

interface HeartbeatOptions {
  readonly platform: Platform;
  /** Sends pings with heads; the k of the last. */
  readonly ping: () => number;
  /** Sends a ping without heads; its k. */
  readonly beat: () => number;
  /** Nothing came for the watchdog's time, or something of what was sent never arrived. */
  readonly dead: () => void;
  /** `trusted` is another. */
  readonly trustChanged: () => void;
}

/** A ping, and when it was sent. */
interface Asked {
  readonly k: number;
  readonly atMs: number;
}

/** What the server promised in its welcome. */
interface Rhythm {
  /** It sends a ping so often. */
  readonly pingMs: number;
  /** Silence for so long is death. */
  readonly watchdogMs: number;
}

/** What is known to be older than so many heartbeats is not taken for live. */
const DOUBT_PINGS = 2;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #pingMs = 0;
  #watchdogMs = 0;
  /** So long without a heartbeat is doubt: nothing is taken for live any more. */
  #doubtAfterMs = 0;
  #heardMs = 0;
  /** All that the server had sent by then has come: when the newest ping was sent that is answered. When a heartbeat is
   * read says nothing of it, since it may have waited for its reader (HEAD-4). */
  #provenMs = 0;
  /** Silence past this is death; moved by each message, and by a wake. */
  #deadlineMs = 0;
  #dueMs = 0;
  #pinged = false;
  #graced = false;
  /** The oldest ping without an answer: what comes proves one way only. It is no sign of death, since an answer waits its
   * turn behind all that a slow line has to carry; a server that hears nothing gives the connection up itself. */
  #unanswered: Asked | undefined;
  /** After too long a silence: the ping whose answer will show that nothing is under way any more. */
  #awaited: Asked | undefined;
  #doubtedMs = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** When something last came, on the monotonic clock; kept when it stops. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** Both ways were open within two heartbeats, and if they were not, everything sent meanwhile has come since. */
  get trusted(): boolean {
    return this.#awaited === undefined && !this.#isDoubtful(this.#options.platform.monotonicMs());
  }

  /** `provenMs`: when it was asked for, on the monotonic clock. */
  start({ pingMs, watchdogMs }: Rhythm, provenMs = this.#options.platform.monotonicMs()): void {
    this.stop();
    this.#pingMs = pingMs;
    this.#watchdogMs = watchdogMs;
    this.#doubtAfterMs = Math.min(DOUBT_PINGS * pingMs, watchdogMs);
    this.#awaited = undefined;
    this.#unanswered = undefined;
    this.#provenMs = provenMs;
    this.heard();
    this.#arm();
  }

  /** The server's ping came, or there is something to know. Asks, so that a way out that is closed is noticed too. */
  beat(): void {
    const nowMs = this.#options.platform.monotonicMs();
    // One that is late is asked after: should it have been lost, the next answer will show it.
    if (this.#cancel === undefined || (this.#unanswered !== undefined && nowMs < this.#answerDueMs)) return;
    this.#expect(this.#options.beat());
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
    if (this.#cancel === undefined) return;
    if (this.#unanswered !== undefined && k > this.#unanswered.k) {
      // Answers come in order: the ping before this one was lost on its way, and who knows what with it.
      this.stop();
      this.#options.dead();
      return;
    }
    if (k === this.#unanswered?.k) {
      this.#provenUp(this.#unanswered.atMs);
      this.#unanswered = undefined;
    }
    if (this.#awaited === undefined || k < this.#awaited.k) return;
    this.#provenUp(this.#awaited.atMs);
    this.#awaited = undefined;
    // The answer may have waited so long itself that it makes nothing live.
    if (this.#isDoubtful(this.#options.platform.monotonicMs())) this.#doubt();
    else this.#options.trustChanged();
    this.#arm();
  }

  /** All has come that the server had sent by then, on the monotonic clock: it says so where nobody can ask. */
  proven(atMs: number): void {
    if (this.#cancel === undefined) return;
    this.#provenUp(atMs);
    if (this.#unanswered !== undefined && this.#unanswered.atMs <= atMs) this.#unanswered = undefined;
    if (this.#awaited !== undefined && this.#awaited.atMs <= atMs) {
      this.#awaited = undefined;
      this.#options.trustChanged();
    }
    this.#arm();
  }

  /** The page was shown, the network changed, or somebody asks: pings, and waits for the answer only a short time. */
  ask(): void {
    if (this.#cancel === undefined) return;
    // What was asked before may have been answered while nothing here ran.
    this.#unanswered = undefined;
    if (this.#isSilent(this.#options.platform.monotonicMs())) this.#doubt();
    else this.#ping();
    this.#grace();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** What comes besides heartbeats shows that the connection lives, but not that nothing was lost on it. */
  #isSilent(nowMs: number): boolean {
    return this.#cancel !== undefined && nowMs - this.#provenMs >= this.#doubtAfterMs;
  }

  #isDoubtful(nowMs: number): boolean {
    return this.#isSilent(nowMs) || (this.#cancel !== undefined && nowMs >= this.#answerDueMs);
  }

  get #answerDueMs(): number {
    return this.#unanswered === undefined ? Number.POSITIVE_INFINITY : this.#unanswered.atMs + this.#pingMs;
  }

  #ping(): Asked {
    return this.#expect(this.#options.ping());
  }

  #expect(k: number): Asked {
    const asked = { k, atMs: this.#options.platform.monotonicMs() };
    this.#unanswered ??= asked;
    return asked;
  }

  #provenUp(atMs: number): void {
    this.#provenMs = Math.max(this.#provenMs, atMs);
  }

  #doubt(): void {
    this.#doubtedMs = this.#options.platform.monotonicMs();
    this.#awaited = this.#ping();
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
    this.#dueMs = this.#deadlineMs;
    if (this.#awaited === undefined)
      this.#dueMs = Math.min(this.#dueMs, this.#provenMs + this.#doubtAfterMs, this.#answerDueMs);
    if (!this.#pinged) this.#dueMs = Math.min(this.#dueMs, this.#heardMs + this.#watchdogMs / 2);
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
    if (this.#awaited === undefined && this.#isDoubtful(nowMs)) this.#doubt();
    if (!this.#pinged && nowMs >= this.#heardMs + this.#watchdogMs / 2) {
      this.#pinged = true;
      this.#ping();
    }
    this.#arm();
  }
}
