// Words for what did not happen: fills in what the error registry knows, so that no refusal leaves without its retry
// class, its fault and, where a retry is invited, when (ERR-1).
import {
  type EndedMessage,
  ERRORS,
  type ErrorCode,
  type Fault,
  type FaultMessage,
  type Json,
  type Retry,
  type ServerMessage,
} from "@tidemark/protocol";

import type { Answer, RefusedAnswer } from "../document/documents.js";

/** What is suggested when nobody knew better, ms. */
const AFTER_MS = 1_000;

const hint = (retry: string, afterMs: number | undefined): { readonly afterMs?: number } => {
  if (afterMs !== undefined) return { afterMs };
  return retry === "after" ? { afterMs: AFTER_MS } : {};
};

/** A subscription that is over. */
export function endedMessage(
  s: number,
  code: ErrorCode,
  { afterMs, data }: { readonly afterMs?: number; readonly data?: Json } = {},
): EndedMessage {
  const { retry } = ERRORS[code];
  return ["ended", { s, code, retry, ...hint(retry, afterMs), ...(data === undefined ? {} : { data }) }];
}

/** A signal, or something shown, that goes to nobody. The connection goes on. */
export function faultMessage(
  { code, message, afterMs, data }: RefusedAnswer,
  of: { readonly about: string; readonly s: number },
): FaultMessage {
  const { retry, fault, message: known } = ERRORS[code];
  const details = { message: message ?? known, retry, fault, ...of, ...hint(retry, afterMs) };
  return ["err", { code, ...details, ...(data === undefined ? {} : { data }) }];
}

/** An answer that is not `ok`. */
export function refusalMessage(n: number, answer: Exclude<Answer, { kind: "ok" }>): ServerMessage {
  if (answer.kind === "unknown") {
    const final = answer.final === undefined ? {} : { final: answer.final };
    return ["unk", n, answer.code, { ...(answer.afterMs === undefined ? {} : { afterMs: answer.afterMs }), ...final }];
  }
  return ["no", n, answer.code, answer.message ?? ERRORS[answer.code].message, refusalWords(answer)];
}

/** What a refusal says besides its code, with what the registry knows. */
export function refusalWords(answer: RefusedAnswer): RefusalWords {
  const entry = ERRORS[answer.code];
  const retry = answer.retry ?? entry.retry;
  return {
    retry,
    fault: answer.fault ?? entry.fault,
    ...hint(retry, answer.afterMs),
    ...(answer.reason === undefined ? {} : { reason: answer.reason }),
    ...(answer.data === undefined ? {} : { data: answer.data }),
  };
}

/** The same over any transport. */
export type RefusalWords = Pick<RefusedAnswer, "afterMs" | "reason" | "data"> & {
  readonly retry: Retry;
  readonly fault: Fault;
};
