// Where a call landed, as answers over HTTP say it.
import { type Json, type JsonObject, TidemarkError } from "@tidemark/protocol";
import type { Receipt } from "../api/call.js";
import { isObject } from "../stream/local-diff.js";

/** `n`: its place in its request. Throws TidemarkError for an answer that has none. */
export function receiptIn(body: Json, n: number): Receipt {
  const { epoch, seq }: JsonObject = isObject(body) ? body : {};
  if (typeof epoch !== "number" || typeof seq !== "number") throw unreadable();
  return { epoch, seq, n };
}

/** A success that is not understood: it may be one. */
export const unreadable = (): TidemarkError =>
  new TidemarkError("protocol_error", { outcome: "unknown", message: "The answer does not have its form." });
