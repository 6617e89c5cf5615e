// The real clock, timers and randomness. Composition roots make one; nothing else does.
import { randomBytes } from "node:crypto";
import type { CancelTimer, Runtime } from "./runtime.js";

/** The Runtime of a process in the world. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire): CancelTimer {
    const timer = setTimeout(fire, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  defer: (run) => void setImmediate(run),
  microtask: (run) => queueMicrotask(run),
  random: () => Math.random(),
  randomBytes: (length) => randomBytes(length),
};
