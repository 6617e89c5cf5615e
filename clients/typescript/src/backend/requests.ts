// Sends a request until something certain is known of it or its time is up: the same bytes under the same idempotency key,
// with jittered pauses. It never says of a request that may have been applied that it was not (R8).
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { CallOptions } from "../api/call.js";
import { copyInput } from "../calls/input.js";
import { backOffMs } from "../connection/back-off.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { BackendPlatform, Request } from "../platform/request.js";
import { type Answer, answerOf, type Outcome, unanswered } from "./answer.js";
import { idempotencyKey } from "./idempotency-key.js";

/** What is asked for. */
export interface Asked {
  readonly method: Request["method"];
  /** After the address of the service; what callers named in it is encoded. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** Whether it may change something. */
  readonly isChange: boolean;
  readonly options?: CallOptions | undefined;
  /** Finds in the body of a success what is not one. May throw TidemarkError. */
  readonly judge?: (answer: Answer) => Answer;
}

/** What sends something. Throws TidemarkError `invalid_input` for what is not JSON. */
export function posting(path: string, input: unknown, options?: CallOptions): Asked {
  return { method: "POST", path, body: JSON.stringify(copyInput(input)), isChange: true, options };
}

/** What only reads. */
export const reading = (path: string, options?: CallOptions): Asked => ({
  method: "GET",
  path,
  isChange: false,
  options,
});

/** What deletes. */
export const deleting = (path: string): Asked => ({ method: "DELETE", path, isChange: true });

/** How requests reach the service. */
export interface RequestsOptions {
  readonly platform: BackendPlatform;
  /** Without a slash at its end. */
  readonly url: string;
  readonly key: string;
  /** Of each that does not say. */
  readonly deadlineMs: number;
}

/** Takes a success for one. */
const asIs = (answer: Answer): Answer => answer;

/** A request while it is tried. */
interface Trying {
  readonly asked: Asked;
  /** But for what each copy says of its own. */
  readonly request: Request;
  /** On the monotonic clock. */
  readonly untilMs: number;
  /** Copies that may be applied, now or later. */
  open: number;
}

/** The way to the service for one key. */
export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Resolves with what a success says; rejects with TidemarkError. */
  async ask(asked: Asked): Promise<Extract<Answer, { kind: "done" }>["body"]> {
    const { platform, deadlineMs } = this.#options;
    const horizonMs = LIMITS.idempotencyHorizonMs;
    const untilMs = platform.monotonicMs() + Math.min(asked.options?.deadlineMs ?? deadlineMs, horizonMs);
    const trying: Trying = { asked, request: this.#request(asked), untilMs, open: 0 };
    const { judge = asIs } = asked;
    for (let failures = 0; ; failures++) {
      const leftMs = untilMs - platform.monotonicMs();
      if (isAborted(asked)) throw stopped("aborted", trying);
      if (!(leftMs > 0)) throw stopped("deadline_exceeded", trying);
      const answer = judge(await this.#once(trying, leftMs));
      if (answer.kind === "done") return answer.body;
      const { error, isRepeatable, afterMs } = answer;
      const before = outcomeOf(trying);
      if (answer.kind === "open") trying.open++;
      const waitMs = afterMs + backOffMs(failures, platform.random());
      if (isAborted(asked)) throw stopped("aborted", trying);
      const isTooLate = platform.monotonicMs() + waitMs >= untilMs;
      if (!isRepeatable || isTooLate) throw error(outcomeOf(trying), before);
      await this.#pause(waitMs, asked.options?.signal);
    }
  }

  #request({ method, path, body, isChange, options }: Asked): Request {
    const { platform, url, key } = this.#options;
    const headers = {
      Authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(isChange ? { "Idempotency-Key": idempotencyKey(platform) } : {}),
      ...(options?.ifSeq === undefined ? {} : { "If-Match": `"${options.ifSeq}"` }),
    };
    return { method, url: `${url}${path}`, headers, body };
  }

  /** One copy. The service is told how long it is waited for, so that what comes late is not begun. */
  async #once({ asked, request }: Trying, leftMs: number): Promise<Answer> {
    const { platform } = this.#options;
    const { copyMs, copyMarginMs } = CLIENT_LIMITS;
    const deadline = Math.ceil(Math.min(leftMs, copyMs));
    const stop = new AbortController();
    const cancel = platform.setTimer(Math.ceil(Math.min(leftMs, copyMs + copyMarginMs)), () => stop.abort());
    const abort = (): void => stop.abort();
    asked.options?.signal?.addEventListener("abort", abort);
    try {
      const headers = { ...request.headers, "Deadline-Ms": String(deadline) };
      return answerOf(await platform.request({ ...request, headers }, stop.signal), platform.now());
    } catch (error) {
      return unanswered(error);
    } finally {
      cancel();
      asked.options?.signal?.removeEventListener("abort", abort);
    }
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const over = (): void => {
        cancel();
        signal?.removeEventListener("abort", over);
        resolve();
      };
      const cancel = this.#options.platform.setTimer(Math.ceil(ms), over);
      signal?.addEventListener("abort", over);
    });
  }
}

/** A refusal is of one copy; what changes nothing was never applied. */
const outcomeOf = ({ asked, open }: Trying): Outcome => (asked.isChange && open > 0 ? "unknown" : "rejected");

const isAborted = ({ options }: Asked): boolean => options?.signal?.aborted === true;

const stopped = (code: "aborted" | "deadline_exceeded", trying: Trying): TidemarkError =>
  new TidemarkError(code, { outcome: outcomeOf(trying) });
