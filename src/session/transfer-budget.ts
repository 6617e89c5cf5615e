// What openings under way may hold in memory together, on all connections of this process: snapshots in parts, each
// counted once however many are sent it, and the rows of long replays. It holds nothing itself.
import { LIMITS } from "@tidemark/protocol";

interface Held {
  readonly bytes: number;
  users: number;
}

/** Bytes held by openings under way. */
export class TransferBudget {
  readonly #bytesMax: number;
  readonly #held = new Map<object, Held>();
  readonly #waiting = new Set<() => void>();
  #bytes = 0;

  constructor(bytesMax: number = LIMITS.transferBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** How many bytes are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Somebody waits for room. */
  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  /** One more uses `what`; false: there is no room for it. Something has room always, however large it is. */
  take(what: object, bytes: number): boolean {
    const held = this.#held.get(what);
    if (held !== undefined) {
      held.users += 1;
      return true;
    }
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) return false;
    this.#held.set(what, { bytes, users: 1 });
    this.#bytes += bytes;
    return true;
  }

  /** One less uses it. */
  give(what: object): void {
    const held = this.#held.get(what);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(what);
    this.#bytes -= held.bytes;
    // All together: those who ask in one turn share what they are given.
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Calls `wake` once when there may be room. */
  wait(wake: () => void): void {
    this.#waiting.add(wake);
  }

  /** It does not wait any more. */
  forget(wake: () => void): void {
    this.#waiting.delete(wake);
  }
}
