// A Runtime whose time, chance and turns belong to the test: nothing happens until it is asked for, and the same seed
// gives the same run. It never looks at the real clock; real microtasks run, since promises need them.
import type { CancelTimer, Runtime } from "../../src/runtime/runtime.js";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A uniform generator in [0, 1), repeatable by its seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class VirtualRuntime implements Runtime {
  readonly #random: () => number;
  readonly #timers = new Set<Timer>();
  #deferred: (() => void)[] = [];
  #wallMs: number;
  #monotonicMs = 0;

  constructor(options: { seed?: number; now?: number } = {}) {
    this.#random = seededRandom(options.seed ?? 1);
    this.#wallMs = options.now ?? 1_700_000_000_000;
  }

  now(): number {
    return Math.floor(this.#wallMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    const timer = { at: this.#monotonicMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  microtask(run: () => void): void {
    queueMicrotask(run);
  }

  random(): number {
    return this.#random();
  }

  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.#random() * 256));
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** The wall clock jumps; time that passes is not affected. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Runs everything that needs no time to pass. Throws when it never ends. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10_000; turn += 1) {
      this.turn();
      await emptyMicrotasks();
      if (this.#deferred.length === 0) return;
    }
    throw new Error("it never settles");
  }

  /** Runs what was deferred until now, and nothing else. */
  turn(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const run of deferred) run();
  }

  /** Lets time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    const until = this.#monotonicMs + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.pass(next.at - this.#monotonicMs);
      this.#timers.delete(next);
      next.fire();
      await this.settle();
    }
    this.pass(until - this.#monotonicMs);
  }

  /** So much time passes in the midst of a callback: no timer fires. */
  pass(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.at <= until && timer.at < (first?.at ?? Number.POSITIVE_INFINITY)) first = timer;
    return first;
  }
}

/** Resolves when all microtasks, and those they make, have run. */
const emptyMicrotasks = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
