// The record of one client id: every message that is not answered yet, written as often as it changes and never more
// than once at a time. It is written only under the lock of that name, and sends nothing.
import type { CallStorage } from "../api/storage.js";
import type { Call } from "../calls/call.js";
import type { CallKeeper } from "../calls/calls.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import { callText, type RecordHead, recordText } from "./left-record.js";

interface CallRecordOptions {
  readonly platform: Platform;
  readonly storage: CallStorage;
  readonly client: string;
  readonly head: RecordHead;
  /** Settles when the lock is taken: with what releases it, or undefined when somebody else has it. */
  readonly lock: Promise<(() => void) | undefined>;
  /** The store has a record under this id already. */
  readonly isStored: boolean;
}

export class CallRecord implements CallKeeper {
  readonly #options: CallRecordOptions;
  readonly #lock: Promise<(() => void) | undefined>;
  /** Each call's text, in order of n. */
  readonly #calls = new Map<number, string>();
  #head: RecordHead;
  #isStored: boolean;
  #waiting: ((forgotten: boolean) => void)[] = [];
  #isDirty = false;
  /** The store holds what this holds. */
  #isCurrent = true;
  /** The writing that is under way. */
  #writing: Promise<void> | undefined;

  constructor(options: CallRecordOptions) {
    this.#options = options;
    this.#head = options.head;
    this.#isStored = options.isStored;
    this.#lock = options.lock.catch((error: unknown) => {
      options.platform.reportError(error);
      return undefined;
    });
  }

  /** Whose calls these are. */
  belongsTo(subject: string): void {
    if (this.#head.subject === subject) return;
    this.#head = { ...this.#head, subject };
    if (this.#calls.size > 0) this.#changed();
  }

  keep(call: Call): void {
    const { platform } = this.#options;
    this.#calls.set(call.n, callText(call, { nowMs: platform.now(), monotonicMs: platform.monotonicMs() }));
    this.#changed();
  }

  drop(call: Call, then: (forgotten: boolean) => void): void {
    this.#calls.delete(call.n);
    let tell: ((forgotten: boolean) => void) | undefined = then;
    const once = (forgotten: boolean): void => {
      cancel();
      tell?.(forgotten);
      tell = undefined;
    };
    const cancel = this.#patience(() => once(false));
    this.#waiting.push(once);
    this.#changed();
  }

  /** A store that does not answer must not keep an application waiting: nothing is then known of what it holds. One whose
   * process stood still has its time again, since its answer may be waiting as well. */
  #patience(over: () => void): Cancel {
    const { platform } = this.#options;
    const dueMs = platform.monotonicMs() + CLIENT_LIMITS.storeWaitMs;
    let cancel = platform.setTimer(CLIENT_LIMITS.storeWaitMs, () => {
      if (platform.monotonicMs() - dueMs <= CLIENT_LIMITS.lateTimerMs) over();
      else cancel = platform.setTimer(CLIENT_LIMITS.storeWaitMs, over);
    });
    return () => cancel();
  }

  /** Settles when nothing is left to write. False: the store has refused, or is somebody else's. */
  async settled(): Promise<boolean> {
    while (this.#writing !== undefined) await this.#writing;
    return this.#isCurrent;
  }

  /** Gives the name back once everything is written. */
  async release(): Promise<void> {
    await this.settled();
    (await this.#lock)?.();
  }

  #changed(): void {
    this.#isDirty = true;
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    const lock = await this.#lock;
    while (this.#isDirty) {
      this.#isDirty = false;
      const waiting = this.#waiting;
      this.#waiting = [];
      // Without the lock nothing was ever stored, so nobody can find it.
      const forgotten = lock === undefined || (await this.#store());
      this.#isCurrent = forgotten && lock !== undefined;
      for (const then of waiting) then(forgotten);
    }
    this.#writing = undefined;
  }

  /** False: the store may still hold what it held. */
  async #store(): Promise<boolean> {
    const { storage, client, platform } = this.#options;
    const isEmpty = this.#calls.size === 0;
    if (isEmpty && !this.#isStored) return true;
    try {
      this.#isStored = true;
      if (isEmpty) await storage.delete(client);
      else await storage.write(client, recordText(this.#head, this.#calls.values()));
      this.#isStored = !isEmpty;
      return true;
    } catch (error) {
      platform.reportError(error);
      return false;
    }
  }
}
