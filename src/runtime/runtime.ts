// What the rest of the server may know of time, chance and scheduling. Rooms take a Runtime and never touch Date,
// Math.random or a timer themselves, so that nothing in them can tell a simulation from the world.

/** Stops a timer; safe to call twice and after it has fired. */
export type CancelTimer = () => void;

/** Clock, timers and randomness of one process, real or simulated. */
export interface Runtime {
  /** Wall clock, Unix milliseconds, an integer. It may jump in either direction. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards, with fractions. For durations only. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` (at least 0) from now. A pending timer alone does not keep the process alive. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
  /** Calls `run` after the I/O that is ready now has been handled: what arrives together is then seen together. */
  defer(run: () => void): void;
  /** Calls `run` as soon as the current callback has returned, before any I/O. */
  microtask(run: () => void): void;
  /** Uniform in [0, 1). */
  random(): number;
  /** `length` unpredictable bytes. */
  randomBytes(length: number): Uint8Array;
}
