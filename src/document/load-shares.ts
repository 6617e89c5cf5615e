// How many documents each principal has loaded: what is loaded stays for a while, whether it exists or not, so that names
// made up by one would fill the memory of all (R14). It counts, and loads nothing.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { Shares } from "../runtime/shares.js";
import { TokenBucket } from "../runtime/token-bucket.js";
import type { Caller, RefusedAnswer } from "./documents.js";

/** One principal's loads. */
interface Share {
  readonly rate: TokenBucket;
  /** Until then all are refused: what was sent behind a refused call must not overtake it (REQ-11). */
  refusedUntilMs: number;
}

const REFUSED_FOR_MS = 1_000;

/** The loads of all principals. */
export class LoadShares {
  readonly #runtime: Runtime;
  readonly #shares: Shares<Share>;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    const perSecond = LIMITS.documentLoadsPerSecond;
    this.#shares = new Shares({
      make: () => ({
        rate: new TokenBucket({ runtime, perSecond, burst: LIMITS.documentLoadsBurst }),
        refusedUntilMs: 0,
      }),
      isUnused: ({ rate }) => rate.isFull,
    });
  }

  /** Counts a document that is to be loaded for `caller`; or says why it is not. Services may load any number. */
  refusal({ principal, space }: Caller): RefusedAnswer | undefined {
    if (principal.roles.includes("service")) return undefined;
    const share = this.#shares.of(`${space}\n${principal.id}`);
    const nowMs = this.#runtime.monotonicMs();
    if (nowMs >= share.refusedUntilMs && share.rate.take() === 0) return undefined;
    if (nowMs >= share.refusedUntilMs) share.refusedUntilMs = nowMs + REFUSED_FOR_MS;
    return { code: "rate_limited", afterMs: Math.ceil(share.refusedUntilMs - nowMs) };
  }
}
