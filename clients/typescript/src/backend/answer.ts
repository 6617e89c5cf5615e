// What came of sending a request once: done, certainly not done, or nobody knows. It reads responses and failures; what to
// do next is for others.
import {
  ERRORS,
  type ErrorCode,
  type ErrorDetails,
  isErrorCode,
  type Json,
  type JsonObject,
  type Retry,
  TidemarkError,
} from "@tidemark/protocol";
import { isFault, isRetry, objectIn } from "../connection/problem.js";
import type { Response } from "../platform/request.js";

/** `rejected`: certainly not applied. `unknown`: may have been. */
export type Outcome = TidemarkError["outcome"];

/** One copy of a request, and what is known of it. */
export type Answer =
  | { readonly kind: "done"; readonly body: Json }
  | {
      /** `refused`: this copy did nothing and never will. `open`: it may have, or may yet. */
      readonly kind: "refused" | "open";
      /** Whether it makes sense to send it again, and in how many ms at the earliest. */
      readonly isRepeatable: boolean;
      readonly afterMs: number;
      /** What its sender is told if it is not sent again: the outcome, and what copies before this one may have done. */
      readonly error: (outcome: Outcome, before: Outcome) => TidemarkError;
    };

/** An answer that is not `done`. */
export type Unmet = Exclude<Answer, { readonly kind: "done" }>;

/** Statuses of proxies that mean "later", and not "never". */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);
/** What Node, Deno and Bun call a connection that never came about. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ConnectionRefused",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What a response says. `nowMs`: Unix ms, for a Retry-After that is a date. */
export function answerOf(response: Response, nowMs: number): Answer {
  const { status, text } = response;
  if (status >= 200 && status < 300) return doneWith(text);
  const fields = objectIn(text);
  const afterMs = retryAfterMs(response.retryAfter, nowMs);
  return (fields && problemAnswer(fields, afterMs)) ?? foreignAnswer(status, afterMs);
}

/** What it means that there was no response. */
export function unanswered(cause: unknown): Unmet {
  const code = NEVER_CONNECTED.has(codeOf(cause)) ? codeOf(cause) : undefined;
  const message = code === undefined ? "No answer came before the deadline." : `The service is not reached: ${code}.`;
  return {
    kind: code === undefined ? "open" : "refused",
    isRepeatable: true,
    afterMs: 0,
    error: (outcome) => new TidemarkError("deadline_exceeded", { outcome, message, cause }),
  };
}

/** Problem details of the service (RFC 9457) as an answer; undefined for what has no code of the registry. */
export function problemAnswer(fields: JsonObject, atLeastMs = 0): Unmet | undefined {
  const { code, retry, final } = fields;
  if (typeof code !== "string" || !isErrorCode(code)) return undefined;
  const details = detailsOf(fields);
  const isOpen = fields["outcome"] === "unknown";
  const afterMs = Math.max(atLeastMs, details.afterMs ?? 0);
  return {
    kind: isOpen ? "open" : "refused",
    isRepeatable: final !== true && (isOpen || isPassing(code, isRetry(retry) ? retry : ERRORS[code].retry)),
    afterMs,
    error: (outcome) => new TidemarkError(code, { ...details, outcome }),
  };
}

/** Another key would be needed for `unauthenticated`; a time that was too short for one copy may do for the next. */
function isPassing(code: ErrorCode, retry: Retry): boolean {
  return code === "deadline_exceeded" || (retry !== "never" && code !== "unauthenticated");
}

function detailsOf({ detail, afterMs, reason, data, retry, fault }: JsonObject): ErrorDetails {
  return {
    ...(typeof detail === "string" ? { message: detail } : {}),
    ...(typeof afterMs === "number" ? { afterMs } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
    ...(data === undefined ? {} : { data }),
    ...(isRetry(retry) ? { retry } : {}),
    ...(isFault(fault) ? { fault } : {}),
  };
}

function doneWith(text: string): Answer {
  try {
    return { kind: "done", body: text === "" ? null : JSON.parse(text) };
  } catch {
    return foreign("open", "The answer is no JSON; a proxy may have changed it.");
  }
}

/** Somebody before the service answered, or it is none. */
function foreignAnswer(status: number, afterMs: number): Unmet {
  const message = `HTTP status ${status}, without a word of the service: is the url right?`;
  // Whether a proxy has passed it on, nobody knows.
  if (status >= 500 || LATER.has(status)) return { ...foreign("open", message), isRepeatable: true, afterMs };
  return foreign("refused", message);
}

function foreign(kind: "refused" | "open", message: string): Unmet {
  const error: Unmet["error"] = (outcome) => new TidemarkError("protocol_error", { outcome, message });
  return { kind, isRepeatable: kind === "open", afterMs: 0, error };
}

/** Seconds, or a date (RFC 9110, 10.2.3); anything else says nothing. */
function retryAfterMs(text: string | null, nowMs: number): number {
  if (text === null || text === "") return 0;
  const seconds = Number(text);
  const ms = Number.isNaN(seconds) ? Date.parse(text) - nowMs : seconds * 1_000;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  return Reflect.get(error, "code") ?? codeOf(error.cause);
}
