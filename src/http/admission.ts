// How much of what comes over HTTP is taken on at once: by the process, and of one principal (R14, R15). Whoever is over
// its share is told so before a byte of its body is read. It counts, and never waits.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { Caller } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import { Shares } from "../runtime/shares.js";
import { TokenBucket } from "../runtime/token-bucket.js";

/** What is being worked on. */
interface Load {
  calls: number;
  bodyBytes: number;
  /** Of answers that have not left. */
  answerBytes: number;
}

/** One principal's part of it. */
interface Share extends Load {
  readonly rate: TokenBucket | undefined;
}

/** A principal may have saved up so many seconds of its rate, and always a batch. */
const BURST_SECONDS = 2;
const AFTER_MS = 1_000;

/** Lets requests in. */
export class Admission {
  readonly #runtime: Runtime;
  readonly #callsPerSecond: number;
  readonly #total: Load = { calls: 0, bodyBytes: 0, answerBytes: 0 };
  /** Those who have nothing under way and all of their rate are as good as unknown. */
  readonly #shares = new Shares<Share>({
    make: () => ({ calls: 0, bodyBytes: 0, answerBytes: 0, rate: this.#bucket() }),
    isUnused: ({ calls, rate }) => calls === 0 && rate?.isFull !== false,
  });

  /** `callsPerSecond`: of one principal; 0: any number. */
  constructor({ runtime, callsPerSecond }: { readonly runtime: Runtime; readonly callsPerSecond: number }) {
    this.#runtime = runtime;
    this.#callsPerSecond = callsPerSecond;
  }

  /** How many principals it knows of. */
  get principals(): number {
    return this.#shares.size;
  }

  /** Takes on a request of one call. Throws TidemarkError `overloaded`, `limit_reached` or `rate_limited`. */
  enter({ principal, space }: Caller, bodyBytes: number): Admitted {
    return new Admitted(this.#total, this.#shares.of(`${space}\n${principal.id}`), bodyBytes);
  }

  #bucket(): TokenBucket | undefined {
    const perSecond = this.#callsPerSecond;
    if (perSecond === 0) return undefined;
    const burst = Math.max(perSecond * BURST_SECONDS, LIMITS.batchCallsMax);
    return new TokenBucket({ runtime: this.#runtime, perSecond, burst });
  }
}

/** A request that was taken on. */
export class Admitted {
  readonly #total: Load;
  readonly #share: Share;
  readonly #bodyBytes: number;
  #calls = 0;
  #answerBytes = 0;

  /** Throws like `Admission.enter`, and then has taken nothing. */
  constructor(total: Load, share: Share, bodyBytes: number) {
    requireAtMost("httpBodyBytesPerPrincipalMax", share.bodyBytes + bodyBytes);
    if (total.bodyBytes + bodyBytes > LIMITS.httpBodyBytesMax) throw overloaded();
    this.#total = total;
    this.#share = share;
    this.more(1);
    this.#bodyBytes = bodyBytes;
    total.bodyBytes += bodyBytes;
    share.bodyBytes += bodyBytes;
  }

  /** It turned out to be so many calls more. Throws like `Admission.enter`. */
  more(calls: number): void {
    requireAtMost("inFlightMax", this.#share.calls + calls);
    if (this.#total.calls + calls > LIMITS.httpInFlightMax) throw overloaded();
    const afterMs = this.#share.rate?.take(calls) ?? 0;
    if (afterMs > 0) throw new TidemarkError("rate_limited", { afterMs: Math.ceil(afterMs) });
    this.#calls += calls;
    this.#total.calls += calls;
    this.#share.calls += calls;
  }

  /** Its answer takes so much until it has left. Throws like `Admission.enter`, and then it must not be sent. */
  answer(bytes: number): void {
    requireAtMost("httpAnswerBytesPerPrincipalMax", this.#share.answerBytes + bytes);
    if (this.#total.answerBytes + bytes > LIMITS.httpAnswerBytesMax) throw overloaded();
    this.#answerBytes += bytes;
    this.#total.answerBytes += bytes;
    this.#share.answerBytes += bytes;
  }

  /** It is over. Once. */
  leave(): void {
    for (const load of [this.#total, this.#share]) {
      load.calls -= this.#calls;
      load.bodyBytes -= this.#bodyBytes;
      load.answerBytes -= this.#answerBytes;
    }
  }
}

type ShareLimit = "inFlightMax" | "httpBodyBytesPerPrincipalMax" | "httpAnswerBytesPerPrincipalMax";

function requireAtMost(limit: ShareLimit, yours: number): void {
  if (yours <= LIMITS[limit]) return;
  throw new TidemarkError("limit_reached", { afterMs: AFTER_MS, data: { limit, value: LIMITS[limit], yours } });
}

const overloaded = (): TidemarkError => new TidemarkError("overloaded", { afterMs: AFTER_MS });
