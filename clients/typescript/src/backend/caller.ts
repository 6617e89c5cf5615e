// One message or query of a document, by its name.
import type { Json } from "@tidemark/protocol";
import type { CallOptions, Receipt, Sent } from "../api/call.js";
import { unsettled } from "../calls/call.js";
import type { Method } from "../documents/claims.js";
import { isObject } from "../stream/local-diff.js";
import { receiptIn, unreadable } from "./receipt.js";
import { posting, type Requests } from "./requests.js";
import { messagePath } from "./service-url.js";

/** Sends what is said to it. The names are the contract's: at run time messages and queries look the same. */
export function caller(requests: Requests, document: { readonly type: string; readonly key: string }) {
  return (name: string): Method =>
    (input: unknown, options?: CallOptions): Sent<Json | undefined> => {
      const { sent, resolve, reject } = unsettled();
      const answer = async (): Promise<void> => {
        const path = messagePath(document.type, document.key, name);
        const { result, receipt } = answerIn(await requests.ask(posting(path, input, options)));
        resolve(result, receipt);
      };
      answer().catch(reject);
      return sent;
    };
}

/** A query has no position. */
function answerIn(body: Json): { readonly result: Json | undefined; readonly receipt: Receipt | undefined } {
  if (!isObject(body)) throw unreadable();
  const { result, seq } = body;
  return { result: result ?? undefined, receipt: seq === undefined ? undefined : receiptIn(body, 1) };
}
