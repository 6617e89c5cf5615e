// From what an application asks for to what an `open` says of it. It sends nothing, and knows no documents.
import { formatDocumentId, isKey, isTypeName, type Json, type JsonObject, TidemarkError } from "@tidemark/protocol";
import type { Position } from "../api/position.js";
import { copyInput } from "../calls/input.js";
import { isObject } from "../stream/local-diff.js";
import type { StreamRequest } from "../stream/stream.js";

/** What is asked for by `open`. */
export interface OpenRequest {
  readonly type: string;
  readonly key: string;
  readonly params: unknown;
  readonly create: unknown;
  readonly everyMs: number | undefined;
  /** What this opening shows to the others; undefined: nothing. */
  readonly presence: unknown;
  /** Of a channel. */
  readonly last?: number | undefined;
  /** Of a channel: behind which to begin. */
  readonly since?: Position | undefined;
}

/** What becomes of it. */
export interface CheckedRequest {
  readonly request: StreamRequest;
  readonly presence?: Json;
  readonly since?: Position;
  readonly refusal?: TidemarkError;
}

/** What is wrong is said, not thrown: it shows at the document. */
export function checkedRequest(asked: OpenRequest): CheckedRequest {
  const { type, key, create, everyMs, last, since } = asked;
  const doc = formatDocumentId(type, key);
  if (!isTypeName(type)) return { request: { doc }, refusal: new TidemarkError("unknown_type") };
  if (!isKey(key)) return { request: { doc }, refusal: new TidemarkError("invalid_key") };
  try {
    const params = checkedParams(asked.params);
    return {
      request: {
        doc,
        ...(params === undefined ? {} : { params }),
        ...(create === undefined ? {} : { create: copyInput(create) }),
        ...(everyMs === undefined ? {} : { every: checkedPace(everyMs) }),
        ...(last === undefined ? {} : { last: checkedCount(last) }),
      },
      ...(asked.presence === undefined ? {} : { presence: copyInput(asked.presence) }),
      ...(since === undefined ? {} : { since: checkedPosition(since) }),
    };
  } catch (error) {
    if (error instanceof TidemarkError) return { request: { doc }, refusal: error };
    throw error;
  }
}

/** Undefined for none, however they are written. Throws TidemarkError `invalid_params`. */
function checkedParams(params: unknown): JsonObject | undefined {
  if (params === undefined) return undefined;
  try {
    const copy = copyInput(params);
    if (isObject(copy)) return Object.keys(copy).length === 0 ? undefined : copy;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    throw new TidemarkError("invalid_params", { data: error.data ?? null });
  }
  throw new TidemarkError("invalid_params");
}

/** Throws TidemarkError `invalid_input`. */
function checkedCount(last: number): number {
  if (last >= 0 && Number.isSafeInteger(last)) return last;
  throw new TidemarkError("invalid_input", { message: `last is ${last}, expected a number of messages.` });
}

/** Whoever kept it may have kept anything. Throws TidemarkError `invalid_input`. */
function checkedPosition({ epoch, seq }: Position): Position {
  const isOne = (part: unknown): boolean => Number.isSafeInteger(part) && Number(part) >= 0;
  if (isOne(epoch) && isOne(seq)) return { epoch, seq };
  throw new TidemarkError("invalid_input", { message: "since is no position: expected { epoch, seq }." });
}

/** Whole milliseconds, as they travel. Throws TidemarkError `invalid_input`. */
function checkedPace(everyMs: number): number {
  const every = Math.ceil(everyMs);
  if (every >= 0 && Number.isSafeInteger(every)) return every;
  throw new TidemarkError("invalid_input", { message: `everyMs is ${everyMs}, expected milliseconds.` });
}
