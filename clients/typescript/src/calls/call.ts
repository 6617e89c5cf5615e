// One call from the application's side to its last answer: what it is, where it stands, and what may be said of it.
// It sends nothing itself.
import type { Json } from "@tidemark/protocol";
import type { CallOptions, Receipt, Sent } from "../api/call.js";
import type { Position } from "../api/position.js";
import type { Cancel } from "../platform/platform.js";

/** The view that must show a message's effect before its sender hears of it. */
export interface View {
  /** Calls `then` once the view has reached `seq`, was reset, or is followed no longer; perhaps at once. */
  whenReached(seq: number, then: () => void): void;
  /** The subscription to name as target, while it is live. */
  readonly subscription: number | undefined;
}

/** What is asked. */
export interface CallRequest {
  /** Orders messages and counts `low`: the document whose log the message goes to. Undefined for queries. */
  readonly lane: string | undefined;
  /** `type/key`, or `$` for the service. */
  readonly target: string;
  readonly name: string;
  readonly input: unknown;
  readonly options?: CallOptions | undefined;
  readonly view?: View | undefined;
}

/** Server clock, Unix ms, and time to live: fixed before the first copy leaves. */
export interface Due {
  readonly born: number;
  readonly ttl: number;
}

/** An accepted request. */
export interface Call {
  readonly n: number;
  readonly request: CallRequest;
  readonly input: Json;
  /** Copies that may still be applied: sent, and not refused. */
  copies: number;
  /** How often a copy was answered, but not for good; and for how many of these the retry was paid. */
  refusals: number;
  paidRefusals: number;
  state: "queued" | "sent";
  /** Answered, or waited for by nobody. */
  over: boolean;
  due: Due | undefined;
  /** When the caller stops waiting, on the monotonic clock. */
  readonly deadlineMs: number;
  readonly settled: Settled;
  /** Stops the deadline and the abort listener. */
  release: Cancel;
}

/** A message that another page left without an answer. */
export interface LeftCall {
  readonly n: number;
  readonly request: CallRequest;
  readonly input: Json;
  /** Undefined: no server's clock was known. Then it may wait `leftMs` more. */
  readonly due: Due | undefined;
  readonly leftMs: number;
}

/** The two promises of a call. */
export interface Settled {
  readonly sent: Sent<Json | undefined>;
  resolve(result: Json | undefined, receipt: Receipt | undefined): void;
  reject(error: unknown): void;
}

/** Whether anything of the call may be in the log: R8 rests on this. */
export function verdict(call: Call): "rejected" | "unknown" {
  // A query changes nothing, whatever became of it.
  return call.request.lane === undefined || call.copies === 0 ? "rejected" : "unknown";
}

/** Promises to be settled later. */
export function unsettled(): Settled {
  let resolve: (result: Json | undefined) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  let resolveReceipt: (receipt: Receipt) => void = () => undefined;
  let rejectReceipt: (error: unknown) => void = () => undefined;
  const promise = new Promise<Json | undefined>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  const receipt = new Promise<Receipt>((onResult, onError) => {
    resolveReceipt = onResult;
    rejectReceipt = onError;
  });
  receipt.catch(() => undefined);
  return {
    sent: Object.assign(promise, { receipt }),
    resolve(result, landed) {
      resolve(result);
      if (landed === undefined) rejectReceipt(new TypeError("A query has no receipt."));
      else resolveReceipt(landed);
    },
    reject(error) {
      reject(error);
      rejectReceipt(error);
    },
  };
}

/** Where a message landed. */
export function receiptOf(call: Call, at: Position): Receipt {
  return { epoch: at.epoch, seq: at.seq, n: call.n };
}
