// One process on the time line, server or client: its own wall clock, which may jump, its own pauses, its own death. A
// paused process runs nothing, and what fell due runs late; nothing of a dead one ever runs.
import type { CancelTimer, Runtime } from "../../../src/runtime/runtime.js";
import type { Chance } from "./chance.js";
import type { Owner, TimedEvent, TimeLine } from "./time-line.js";

/** What a process is made of. */
export interface ProcessParts {
  readonly name: string;
  readonly timeLine: TimeLine;
  readonly chance: Chance;
  /** Unix ms at the beginning of time. */
  readonly wallMs: number;
  /** Takes what would have ended a process in the world. */
  readonly threw: (who: string, error: unknown) => void;
}

/** What a timer of the platform can wait for; longer ones fire at once, in browsers and in Node. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** A process: what the rooms of the server and of the client know of the world. */
export class SimulatedProcess implements Runtime, Owner {
  readonly name: string;
  readonly #timeLine: TimeLine;
  readonly #chance: Chance;
  readonly #threw: ProcessParts["threw"];
  #wallMs: number;
  #pausedUntilMs = 0;
  #diedAtMs = 0;
  #kept: TimedEvent[] = [];
  #alive = true;

  constructor(parts: ProcessParts) {
    this.name = parts.name;
    this.#timeLine = parts.timeLine;
    this.#chance = parts.chance;
    this.#threw = parts.threw;
    this.#wallMs = parts.wallMs;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Until when it did not run, or does not. */
  get badUntilMs(): number {
    return Math.max(this.#pausedUntilMs, this.#diedAtMs);
  }

  get isPaused(): boolean {
    return this.#timeLine.nowMs < this.#pausedUntilMs;
  }

  // ------------------------------------------------------------------------------------------------ what it sees

  now(): number {
    return Math.floor(this.#wallMs + this.#timeLine.nowMs);
  }

  monotonicMs(): number {
    return this.#timeLine.nowMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const waitMs = delayMs > TIMER_MAX_MS ? 1 : Math.max(0, delayMs);
    const timer = this.#timeLine.at(this.#timeLine.nowMs + waitMs, fire, this, true);
    return () => {
      timer.run = undefined;
    };
  }

  defer(run: () => void): void {
    this.#timeLine.at(this.#timeLine.nowMs, run, this);
  }

  microtask(run: () => void): void {
    queueMicrotask(() => {
      try {
        run();
      } catch (error) {
        this.threw(error);
      }
    });
  }

  random(): number {
    return this.#chance.next();
  }

  randomBytes(length: number): Uint8Array {
    return this.#chance.bytes(length);
  }

  // ------------------------------------------------------------------------------------------------ what befalls it

  /** Something reaches it from outside, so many ms from now. */
  post(delayMs: number, run: () => void): void {
    this.#timeLine.at(this.#timeLine.nowMs + delayMs, run, this);
  }

  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Stops it for a while; `resumed` is called when it goes on, after its late timers were put in line. */
  pause(forMs: number, resumed: () => void = () => undefined): void {
    const untilMs = this.#timeLine.nowMs + forMs;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    this.#timeLine.at(untilMs, () => {
      if (this.isPaused || !this.#alive) return;
      this.#goOn();
      resumed();
    });
  }

  /** Ends it without another word. */
  kill(): void {
    this.#alive = false;
    this.#diedAtMs = this.#timeLine.nowMs;
    this.#kept = [];
  }

  admits(event: TimedEvent): boolean {
    if (!this.#alive) return false;
    if (this.isPaused) this.#kept.push(event);
    return !this.isPaused;
  }

  threw(error: unknown): void {
    this.#threw(this.name, error);
  }

  #goOn(): void {
    const late = this.#kept.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    this.#kept = [];
    for (const isTimer of [true, false]) for (const event of late) if (event.isTimer === isTimer) this.#again(event);
  }

  /** The event itself is put in line anew, so that whoever holds it can still cancel it. */
  #again(event: TimedEvent): void {
    this.#timeLine.at(this.#timeLine.nowMs, () => event.run?.(), this, event.isTimer);
  }
}
