// What all documents of this process have taken on together: how much of it is not durable, how long that takes, and how
// long this turn of the event loop has been executing calls. It says when one more call would have to wait too long;
// whoever hosts the call refuses it then, before it is executed (R15).
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { RefusedAnswer } from "./documents.js";

/** How long a call that comes now may have to wait: behind those of the same turn, and for the disk. */
const WAIT_MAX_MS = 300;
/** Calls of one turn. Fewer are few clients with slow handlers: refusing them would leave the process with nothing to do. */
const FEW = 32;
/** Transactions on their way to the disk. With fewer of them a slow disk is a slow disk and no overload. */
const MUCH = 1_024;
/** The least that somebody who is refused is asked to wait. */
const AFTER_MIN_MS = 50;

const MOMENT_MS = 1_000;

/** How long calls had to wait. */
export interface Waits {
  /** Behind the other calls of one turn of the event loop. */
  readonly turnMaxMs: number;
  /** From execution to the disk. */
  readonly commitMaxMs: number;
}

/** The work of one process. */
export class Workload {
  readonly #runtime: Runtime;
  #count = 0;
  #bytes = 0;
  #turnBeganMs: number | undefined;
  #turnCalls = 0;
  /** When the last call of this turn came. */
  #turnEndMs = 0;
  /** When the oldest of what is not durable was executed. */
  #oldestMs: number | undefined;
  /** How long the last commit took. */
  #commitMs = 0;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #turnMaxMs = 0;
  #commitMaxMs = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** A transaction was executed. */
  wrote(bytes: number): void {
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** So many are durable, or lost. */
  settled(count: number, bytes: number): void {
    this.#count -= count;
    this.#bytes -= bytes;
  }

  /** A commit is over; `tookMs` since the oldest of its transactions. `oldestMs`: of those that wait for the next. */
  committed(tookMs: number, oldestMs: number | undefined): void {
    this.#commitMaxMs = Math.max(this.#commitMaxMs, tookMs);
    this.#commitMs = oldestMs === undefined ? 0 : tookMs;
    this.#oldestMs = oldestMs;
  }

  /** The first transaction since all was durable. */
  began(oldestMs: number): void {
    this.#oldestMs = oldestMs;
  }

  /** Why a call that comes now must be refused; undefined: there is room. */
  refusal(nowMs: number): RefusedAnswer | undefined {
    const turnMs = this.#turnMs(nowMs);
    const waitMs = this.#count < MUCH ? turnMs : turnMs + this.#commitWaitMs(nowMs);
    const isFull = this.#count >= LIMITS.workloadMax || this.#bytes >= LIMITS.workloadBytesMax;
    if (!isFull && waitMs <= WAIT_MAX_MS) return undefined;
    this.#refusedAtMs = nowMs;
    return overloaded(isFull ? Math.max(waitMs, this.#commitWaitMs(nowMs)) : waitMs);
  }

  /** Calls were refused a moment ago: whoever is not here yet had better wait. */
  get isTooMuch(): boolean {
    return this.#runtime.monotonicMs() - this.#refusedAtMs < MOMENT_MS;
  }

  /** The longest waits since they were asked for last, ms. */
  takeWaits(): Waits {
    const waits = { turnMaxMs: Math.round(this.#turnMaxMs), commitMaxMs: Math.round(this.#commitMaxMs) };
    this.#turnMaxMs = 0;
    this.#commitMaxMs = 0;
    return waits;
  }

  /** For how long calls have been taken in this turn, if they are many. */
  #turnMs(nowMs: number): number {
    this.#turnEndMs = nowMs;
    if (this.#turnBeganMs === undefined) {
      this.#turnBeganMs = nowMs;
      this.#turnCalls = 0;
      this.#runtime.defer(this.#turnOver);
    }
    this.#turnCalls += 1;
    return this.#turnCalls > FEW ? nowMs - this.#turnBeganMs : 0;
  }

  readonly #turnOver = (): void => {
    this.#turnMaxMs = Math.max(this.#turnMaxMs, this.#turnEndMs - (this.#turnBeganMs ?? this.#turnEndMs));
    this.#turnBeganMs = undefined;
  };

  #commitWaitMs(nowMs: number): number {
    return Math.max(this.#commitMs, this.#oldestMs === undefined ? 0 : nowMs - this.#oldestMs);
  }
}

const overloaded = (waitMs: number): RefusedAnswer => ({
  code: "overloaded",
  afterMs: Math.max(AFTER_MIN_MS, Math.ceil(waitMs)),
});
