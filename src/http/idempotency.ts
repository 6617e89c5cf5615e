// Which numbered calls an HTTP request makes (R6): its idempotency key is a client of its own, whose first calls they
// are. See docs/decisions/0045. It keeps nothing; receipts are the document's.
import { LIMITS } from "@tidemark/protocol";
import { digest16 } from "../runtime/digest.js";
import { randomHex } from "../runtime/ids.js";
import type { Runtime } from "../runtime/runtime.js";
import { invalid } from "./parameters.js";

/** Under which name a request's calls are known to a document. */
export interface CallIdentity {
  readonly client: string;
  /** Unix ms; the document's horizon counts from it. */
  readonly born: number;
  /** Nobody has used that name before. */
  readonly isFresh: boolean;
}

const VISIBLE = /^[!-~]+$/;
const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** Throws TidemarkError `invalid_input` for a key that is none. */
export function callIdentity(key: string | undefined, runtime: Runtime): CallIdentity {
  const now = runtime.now();
  if (key === undefined) {
    return { client: `once-${randomHex(runtime, 16)}`, born: bornFor(now, LIMITS.keylessHorizonMs), isFresh: true };
  }
  const { idempotencyKeyLengthMin: min, idempotencyKeyLengthMax: max } = LIMITS;
  if (key.length < min || key.length > max || !VISIBLE.test(key)) {
    throw invalid("Idempotency-Key", `${min} to ${max} visible ASCII characters`);
  }
  // No client of a socket has such a name: theirs are hex digits only.
  return { client: `key-${Buffer.from(digest16(key)).toString("hex")}`, born: bornOf(key, now), isFresh: false };
}

/** A key that says when it was made is told from one that was used and forgotten, whenever it comes. */
function bornOf(key: string, now: number): number {
  const [, high, low] = UUID_V7.exec(key) ?? [];
  if (high === undefined || low === undefined) return bornFor(now, LIMITS.idempotencyHorizonMs);
  const made = Number.parseInt(`${high}${low}`, 16);
  // From the future: for the document to refuse, once it has looked for a receipt.
  return made > now + LIMITS.bornAheadMs ? made : bornFor(made, LIMITS.idempotencyHorizonMs);
}

/** When a call would have been born that is past the documents' one horizon when this one is past its own. */
const bornFor = (at: number, horizonMs: number): number => Math.max(0, at - (LIMITS.requestHorizonMs - horizonMs));
