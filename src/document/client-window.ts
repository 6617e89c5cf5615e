// What one document remembers of one client's requests, and the order in which a call is checked against it. It owns
// exactly-once (R6), the identity of ids (R7) and the order of one client's calls (R5); it executes nothing.
import { type ErrorCode, LIMITS } from "@tidemark/protocol";
import type { ClientReceipts, StoredReceipt } from "./document-store.js";
import type { RefusedAnswer } from "./documents.js";
import { SeldomMap } from "./seldom-map.js";

/** A call, as far as the window looks at it. */
export interface NumberedCall {
  readonly n: number;
  readonly low: number;
  readonly born: number;
  readonly origin: { readonly conn: number };
}

/** What to do with a call. `execute`: nothing speaks against it here. */
export type Admission =
  | { readonly verdict: "execute" }
  | { readonly verdict: "repeat"; readonly receipt: StoredReceipt }
  | { readonly verdict: "refused"; readonly code: ErrorCode }
  | { readonly verdict: "settled"; readonly code: "expired" | "settled" }
  /** A copy from a connection the client has left behind: an older copy must not apply after a newer answer. */
  | { readonly verdict: "dropped" };

const EXECUTE: Admission = { verdict: "execute" };
const DROPPED: Admission = { verdict: "dropped" };
/** Receipts kept of a client that never says what it has heard: four times the calls it may have in flight. Beyond it
 * the oldest are settled, which is the truth about them, so that nobody's memory grows without end (R14). */
const RECEIPTS_MAX = 4 * LIMITS.inFlightMax;

/** The requests of one (subject, client) at one document. Connections, refusals and `low` are of the client and outlast
 * a lost commit; receipts are of the log and are `know`n again after one. */
export class ClientWindow {
  /** By rising n: all that are not settled, and the one with the greatest n. */
  #receipts: StoredReceipt[] = [];
  #low = 0;
  #highest = 0;
  #conn = 0;
  /** Refusals that invite a retry, of calls the client may still send again. */
  readonly #refusals = new SeldomMap<number, RefusedAnswer>();
  #appliedSeq = 0;

  /** Takes what the store holds for the truth about what was applied. */
  know(stored: ClientReceipts): void {
    this.#receipts = [...stored.receipts];
    this.#appliedSeq = 0;
    this.#highest = stored.highest;
    this.#low = Math.max(this.#low, stored.low);
  }

  /** The lowest n the client still waits for, as far as it ever said. */
  get low(): number {
    return this.#low;
  }

  /** True when what the store holds by `durableSeq` includes all receipts. */
  isStored(durableSeq: number): boolean {
    return this.#appliedSeq <= durableSeq;
  }

  /** True when refusals are remembered, which the store does not hold. */
  get isLatched(): boolean {
    return this.#refusals.size > 0;
  }

  /** The checks of REQ-9 in their order, up to those that need the document. `hash` is that of what the call asks. */
  admit(call: NumberedCall, now: number, hash: number): Admission {
    const { conn } = call.origin;
    if (conn < this.#conn) return DROPPED;
    this.#conn = conn;
    const receipt = this.#receiptOf(call.n);
    this.#learnLow(call.low);
    if (receipt !== undefined) return this.#answerFrom(receipt, hash);
    if (call.born + LIMITS.requestHorizonMs <= now) return { verdict: "settled", code: "expired" };
    if (call.n < this.#low) return { verdict: "settled", code: "settled" };
    if (call.n < this.#highest) return { verdict: "refused", code: "superseded" };
    return EXECUTE;
  }

  /** What holds this call back: the refusal of an earlier one that has not come again. It is then refused as well, and
   * remembered as well, since what comes after it must not overtake it either (REQ-11). */
  passLatch(n: number): RefusedAnswer | undefined {
    const least = this.#leastRefused();
    if (least === undefined) return undefined;
    if (n <= least) {
      this.#refusals.delete(n);
      return undefined;
    }
    const answer = this.#refusals.get(least);
    if (answer !== undefined) this.refused(n, answer);
    return answer;
  }

  /** Remembers an applied call; `n` is above that of any before. */
  applied(receipt: StoredReceipt): void {
    this.#receipts.push(receipt);
    this.#highest = receipt.n;
    this.#appliedSeq = receipt.seq;
    if (this.#receipts.length <= RECEIPTS_MAX) return;
    const [oldest] = this.#receipts;
    if (oldest !== undefined) this.#learnLow(oldest.n + 1);
  }

  /** Remembers a refusal that invites a retry: what comes after it must not overtake it. */
  refused(n: number, answer: RefusedAnswer): void {
    // No client within its limits has more outstanding; whoever has may overtake itself, not fill the memory (R14).
    if (n >= this.#low && this.#refusals.size < RECEIPTS_MAX) this.#refusals.set(n, answer);
  }

  #receiptOf(n: number): StoredReceipt | undefined {
    if (n > this.#highest) return undefined;
    return this.#receipts.find((receipt) => receipt.n === n);
  }

  #leastRefused(): number | undefined {
    if (this.#refusals.size === 0) return undefined;
    let least: number | undefined;
    for (const n of this.#refusals.keys()) if (least === undefined || n < least) least = n;
    return least;
  }

  #learnLow(low: number): void {
    if (low <= this.#low) return;
    this.#low = low;
    while (this.#receipts.length > 1 && (this.#receipts[0]?.n ?? low) < low) this.#receipts.shift();
    if (this.#refusals.size === 0) return;
    for (const n of this.#refusals.keys()) if (n < low) this.#refusals.delete(n);
  }

  #answerFrom(receipt: StoredReceipt, hash: number): Admission {
    if (receipt.hash !== hash) return { verdict: "refused", code: "id_reused" };
    this.#refusals.delete(receipt.n);
    return { verdict: "repeat", receipt };
  }
}
