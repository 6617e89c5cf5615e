// What a server, or somebody before it, answers to a request that it does not take: the code of a problem (RFC 9457) where
// there is one, and what that means for a connection.
import {
  CLOSE,
  ERRORS,
  type ErrorCode,
  type Fault,
  isErrorCode,
  type Json,
  type JsonObject,
  type Refusal,
} from "@tidemark/protocol";
import { isObject } from "../stream/local-diff.js";

/** A refusal by the server itself: what was asked was certainly not done. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly refusal: Refusal;
}

/** Undefined for an answer that is no refusal of ours, which leaves everything open. */
export function problemIn(body: string): Problem | undefined {
  const fields = objectIn(body);
  const code = fields?.["code"];
  if (fields === undefined || typeof code !== "string" || !isErrorCode(code) || fields["outcome"] !== "rejected")
    return undefined;
  const { detail, afterMs } = fields;
  const { retry, fault, message } = ERRORS[code];
  const said = {
    retry: isRetry(fields["retry"]) ? fields["retry"] : retry,
    fault: isFault(fields["fault"]) ? fields["fault"] : fault,
  };
  const refusal = typeof afterMs === "number" ? { ...said, afterMs } : said;
  return { code, message: typeof detail === "string" ? detail : message, refusal };
}

/** The close code that a socket would have been closed with. */
export function closeCodeOf({ code, refusal }: Problem): number {
  switch (code) {
    case "unauthenticated":
      return CLOSE.unauthenticated;
    case "revoked":
      return CLOSE.revoked;
    case "origin_refused":
    case "denied":
      return CLOSE.denied;
    case "too_large":
      return CLOSE.tooLarge;
    case "draining":
      return CLOSE.draining;
    default:
      return refusal.retry === "never" ? CLOSE.protocolError : CLOSE.overloaded;
  }
}

/** The object that a text is as JSON; undefined: it is something else. */
export function objectIn(text: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a problem says with it when to repeat. */
export const isRetry = (value: unknown): value is Refusal["retry"] =>
  value === "never" || value === "after" || value === "reconnect";
/** Whether a problem says with it whose doing it was. */
export const isFault = (value: unknown): value is Fault => value === "caller" || value === "service";
