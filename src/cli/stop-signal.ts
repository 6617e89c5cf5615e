// SIGINT and SIGTERM: the first asks for an orderly end, the second ends at once.
import { EXIT } from "./exit.js";

/** Resolves at the first signal. From the call on, a second one ends the process. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(EXIT.failed);
        asked = true;
        resolve();
      });
    }
  });
}
