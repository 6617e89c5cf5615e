// What one document remembers of one client's requests, and the order in which a call is checked against it. It owns
// exactly-once (R6), the identity of ids (R7) and the order of one client's calls (R5); it executes nothing.
import { type ErrorCode, LIMITS } from "@tidemark/protocol";
import type { ClientReceipts, StoredReceipt } from "./document-store.js";

/** A call, as far as the window looks at it. */
export interface NumberedCall {
  readonly n: number;
  readonly low: number;
  readonly born: number;
  readonly conn: number;
}

/** What to do with a call. `execute`: nothing speaks against it here. */
export type Admission =
  | { readonly verdict: "execute" }
  | { readonly verdict: "repeat"; readonly receipt: StoredReceipt }
  | { readonly verdict: "refused"; readonly code: ErrorCode; readonly afterMs?: number }
  | { readonly verdict: "settled"; readonly code: "expired" | "settled" }
  /** A copy from a connection the client has left behind: an older copy must not apply after a newer answer. */
  | { readonly verdict: "dropped" };

interface Latch {
  readonly n: number;
  readonly code: ErrorCode;
  readonly afterMs: number | undefined;
}

const EXECUTE: Admission = { verdict: "execute" };
const DROPPED: Admission = { verdict: "dropped" };

/** The requests of one (subject, client) at one document. */
export class ClientWindow {
  readonly #receipts = new Map<number, StoredReceipt>();
  #low: number;
  #highest: number;
  #conn = 0;
  #latch: Latch | undefined;
  #usedAt = 0;
  #appliedSeq = 0;

  /** `before`: the window this one replaces; what only memory knew of the client goes on. */
  constructor(stored: ClientReceipts, before?: ClientWindow) {
    if (before !== undefined) {
      this.#conn = before.#conn;
      this.#latch = before.#latch;
      this.#usedAt = before.#usedAt;
    }
    this.#low = stored.low;
    this.#highest = stored.highest;
    for (const receipt of stored.receipts) this.#receipts.set(receipt.n, receipt);
  }

  /** The lowest n the client still waits for, as far as it ever said. */
  get low(): number {
    return this.#low;
  }

  /** True when reading it again later loses nothing: everything applied is durable, no refusal holds later calls back,
   * and no copy of a call can be under way any more. */
  isSettled(durableSeq: number, now: number): boolean {
    return this.#appliedSeq <= durableSeq && this.#latch === undefined && this.#usedAt + LIMITS.idleUnloadMs < now;
  }

  /** The checks of REQ in their order, up to the ones that need the document. `hash` is that of what
   * the call asks. */
  admit(call: NumberedCall, now: number, hash: Uint8Array): Admission {
    if (call.conn < this.#conn) return DROPPED;
    this.#conn = call.conn;
    this.#usedAt = now;
    const receipt = this.#receipts.get(call.n);
    if (receipt !== undefined) return answerFrom(receipt, hash);
    this.#learnLow(call.low);
    if (call.born + LIMITS.requestHorizonMs < now) return { verdict: "settled", code: "expired" };
    if (call.n < this.#low) return { verdict: "settled", code: "settled" };
    if (call.n < this.#highest) return { verdict: "refused", code: "superseded" };
    return this.#passLatch(call.n);
  }

  /** Remembers an applied call. */
  applied(receipt: StoredReceipt): void {
    this.#receipts.set(receipt.n, receipt);
    this.#highest = Math.max(this.#highest, receipt.n);
    this.#appliedSeq = receipt.seq;
  }

  /** Remembers a refusal that invites a retry: what comes after it must not overtake it. */
  refused(n: number, code: ErrorCode, afterMs: number | undefined): void {
    if (this.#latch === undefined || n < this.#latch.n) this.#latch = { n, code, afterMs };
  }

  #learnLow(low: number): void {
    if (low <= this.#low) return;
    this.#low = low;
    for (const n of this.#receipts.keys()) if (n < low && n !== this.#highest) this.#receipts.delete(n);
  }

  #passLatch(n: number): Admission {
    const latch = this.#latch;
    if (latch === undefined || n < latch.n) return EXECUTE;
    if (n === latch.n || this.#low > latch.n) {
      this.#latch = undefined;
      return EXECUTE;
    }
    return { verdict: "refused", code: latch.code, ...(latch.afterMs === undefined ? {} : { afterMs: latch.afterMs }) };
  }
}

function answerFrom(receipt: StoredReceipt, hash: Uint8Array): Admission {
  const same = Buffer.compare(receipt.hash, hash) === 0;
  return same ? { verdict: "repeat", receipt } : { verdict: "refused", code: "id_reused" };
}
