// The one virtual time line: what happens next, in order of time and then of being asked for. Nothing in a simulation
// happens but through it, and it never looks at a real clock. After each event everything that follows from it without
// time passing has run.
import { nextTick } from "node:process";

/** Whose event it is: a paused process keeps its events for later, a dead one loses them. */
export interface Owner {
  readonly name: string;
  /** False: the owner has kept or dropped it. */
  admits(event: TimedEvent): boolean;
  /** It threw: a process in the world would have died of it. */
  threw(error: unknown): void;
}

/** Something that is to happen. */
export interface TimedEvent {
  readonly atMs: number;
  readonly order: number;
  readonly owner: Owner | undefined;
  /** A paused process runs its timers before what else waited with them. */
  readonly isTimer: boolean;
  /** Undefined: cancelled. */
  run: (() => void) | undefined;
}

/** More events than any run needs: whoever goes beyond is in a loop. */
const EVENTS_MAX = 400_000;

/** Time passes in steps of so many to a millisecond. Sums of such steps are exact, so that a timer never fires a rounding
 * error before its time: in the world the next look at the clock would see it gone, here it would never be. */
const TICKS_PER_MS = 1_024;

const tick = (ms: number): number => Math.ceil(ms * TICKS_PER_MS) / TICKS_PER_MS;

/** Virtual time, in milliseconds from 0. */
export class TimeLine {
  readonly #heap: TimedEvent[] = [];
  #nowMs = 0;
  #order = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have happened. */
  get count(): number {
    return this.#count;
  }

  /** A number greater than any before: orders what happens at one instant. */
  next(): number {
    this.#order += 1;
    return this.#order;
  }

  /** Lets `run` happen at a time, or now if that is past. */
  at(atMs: number, run: () => void, owner?: Owner, isTimer = false): TimedEvent {
    const event = { atMs: Math.max(tick(atMs), this.#nowMs), order: this.next(), owner, isTimer, run };
    this.#push(event);
    return event;
  }

  /** Lets everything happen that is due until then. Throws when it never ends. */
  async runUntil(untilMs: number): Promise<void> {
    await drained();
    for (let event = this.#heap[0]; event !== undefined && event.atMs <= untilMs; event = this.#heap[0]) {
      this.#pop();
      if (event.run === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      if (event.owner?.admits(event) === false) continue;
      this.#count += 1;
      if (this.#count > EVENTS_MAX) throw new Error(`more than ${EVENTS_MAX} events: it never ends`);
      happen(event.run, event.owner);
      await drained();
    }
    this.#nowMs = tick(untilMs);
  }

  #push(event: TimedEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const above = heap[up];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = up;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      let below = heap[down];
      if (below === undefined) break;
      const other = heap[down + 1];
      if (other !== undefined && isBefore(other, below)) {
        below = other;
        down += 1;
      }
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = down;
    }
    heap[at] = last;
  }
}

function isBefore(one: TimedEvent, other: TimedEvent): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

function happen(run: () => void, owner: Owner | undefined): void {
  if (owner === undefined) return run();
  try {
    run();
  } catch (error) {
    owner.threw(error);
  }
}

/** Resolves when all microtasks, and those they make, have run: from within a microtask, the tick queue's turn comes
 * only once theirs is empty. */
const drained = (): Promise<void> => new Promise((resolve) => nextTick(resolve));
