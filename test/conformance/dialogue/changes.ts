// Waiting for a condition: whoever changes something says so, whoever waits looks again. The only time in it is how
// long patience lasts.
import { systemRuntime } from "../../../src/runtime/system-runtime.js";

/** Something that changes now and then. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something changed. */
  tell(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** What `look` first finds; undefined when it found nothing within `patienceMs`. What it throws is thrown. */
  until<Found>(look: () => Found | undefined, patienceMs: number): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(again);
        cancel();
        settle();
      };
      const again = (): void => {
        try {
          const found = look();
          if (found !== undefined) end(() => resolve(found));
        } catch (error) {
          end(() => reject(error));
        }
      };
      const cancel = systemRuntime.setTimer(patienceMs, () => end(() => resolve(undefined)));
      this.#waiting.add(again);
      again();
    });
  }
}
