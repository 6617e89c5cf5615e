// The clock, timers and chance that browsers and Node have in common. It opens no sockets and hears no events.
import type { Platform } from "./platform.js";

/** The part of a Platform that every JavaScript runtime has. */
export const clock: Pick<
  Platform,
  "now" | "monotonicMs" | "setTimer" | "microtask" | "random" | "randomBytes" | "reportError" | "warn"
> = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return () => clearTimeout(timer);
  },
  microtask: (run) => queueMicrotask(run),
  random: () => Math.random(),
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  reportError(error) {
    // Thrown outside of any of our frames: it reaches window.onerror or uncaughtException like any other bug.
    queueMicrotask(() => {
      throw error;
    });
  },
  warn(error) {
    // biome-ignore lint/suspicious/noConsole: where every runtime has a place for warnings.
    console.warn(error);
  },
};
