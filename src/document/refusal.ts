// Turns what application code was given, threw or returned, and what a store lost, into a refusal with a registered code. It
// changes nothing and never repeats a value that a sender wrote.
import { type ErrorCode, type Json, LIMITS } from "@tidemark/protocol";
import type { CompiledInput, InputIssue } from "./definition/compiled-input.js";
import type { StoreError } from "./document-store.js";
import type { RefusedAnswer } from "./documents.js";
import { InvalidStateError } from "./recorder/invalid-state.js";

/** Nothing happened; `thrown` is for the log only. */
export interface Refused {
  readonly kind: "refused";
  readonly answer: RefusedAnswer;
  readonly thrown?: unknown;
}

/** Thrown by `ctx.reject`; carries the application's own word to the sender. */
export class RejectSignal extends Error {
  readonly reason: string;
  readonly data: Json | undefined;

  constructor(reason: string, message: string | undefined, data: Json | undefined) {
    super(message ?? "");
    this.name = "RejectSignal";
    this.reason = reason;
    this.data = data;
  }
}

/** What a transaction wrote, emitted or returned is over a limit of the protocol. */
export class TooLargeError extends Error {
  readonly limit: keyof typeof LIMITS;
  readonly yours: number;

  constructor(limit: keyof typeof LIMITS, yours: number) {
    super(`${limit} is ${LIMITS[limit]}, this takes ${yours}`);
    this.limit = limit;
    this.yours = yours;
  }
}

/** A refusal by code. */
export const refused = (code: ErrorCode, details: Omit<RefusedAnswer, "code"> = {}): Refused => ({
  kind: "refused",
  answer: { code, ...details },
});

/** Throws TooLargeError when text takes more bytes than a limit. Returns its bytes. */
export function requireWithin(limit: keyof typeof LIMITS, text: string): number {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS[limit]) throw new TooLargeError(limit, bytes);
  return bytes;
}

/** Refuses a promise. Its outcome concerns nobody; without a listener a rejection would end the process (R19). */
export function refusePromise(result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result) || typeof result.then !== "function") return;
  if (result instanceof Promise) Promise.prototype.catch.call(result, () => undefined);
  throw new TypeError("application code must not return a promise here: do I/O after the commit");
}

/** What a rule said; anything but `true` is no. Throws for a promise, which would be neither. */
export function isYes(said: unknown): boolean {
  refusePromise(said);
  return said === true;
}

/** Checks what a caller passed. */
export function parseInput(schema: CompiledInput | undefined, input: Json): ReturnType<CompiledInput["parse"]> {
  if (schema !== undefined) return schema.parse(input);
  if (input === null) return { ok: true, value: undefined };
  return { ok: false, issues: [{ path: "", expected: "no input", received: typeof input }] };
}

/** The refusal of an input. */
export const invalidInput = (issues: readonly InputIssue[]): Refused =>
  refused("invalid_input", { data: issues.map(({ path, expected, received }) => ({ path, expected, received })) });

/** What is wrong with an input that reaches no document; undefined: nothing. */
export function inputRefusal(schema: CompiledInput | undefined, input: Json): Refused | undefined {
  try {
    const parsed = parseInput(schema, input);
    return parsed.ok ? undefined : invalidInput(parsed.issues);
  } catch (error) {
    return refusalOf(error);
  }
}

/** What the sender hears of something that application code, or a check of its work, threw. */
export function refusalOf(error: unknown): Refused {
  if (error instanceof RejectSignal) {
    return refused("rejected", {
      ...(error.message === "" ? {} : { message: error.message }),
      reason: error.reason,
      ...(error.data === undefined ? {} : { data: error.data }),
    });
  }
  if (error instanceof TooLargeError) {
    return refused("too_large", { data: { limit: error.limit, value: LIMITS[error.limit], yours: error.yours } });
  }
  if (error instanceof InvalidStateError) {
    return { thrown: error, ...refused("invalid_state", { data: { path: error.path } }) };
  }
  return { thrown: error, ...refused("handler_failed") };
}

const UNWRITTEN_AFTER_MS = 1_000;

/** How work is refused that is certainly not written; undefined: it may be, so receipts must tell. */
export function refusalOfLoss(error: StoreError | "fenced"): RefusedAnswer | undefined {
  if (error === "fenced" || error.certainty === "indeterminate") return undefined;
  const code = error.certainty === "disk_full" ? "disk_full" : "internal";
  return { code, retry: "after", afterMs: UNWRITTEN_AFTER_MS };
}
