// A second reading of the shape of `c`, in straight-line code: nearly every message is one, and walking the shape costs
// ten times as much. It says yes only where the shape does; to anything else the shape has the last word and the words.
import { LIMITS } from "../limits.js";
import type { CallExtension, CallMessage } from "../messages.js";

/** Whether a decoded value is a `c`. */
export function isCall(value: unknown): value is CallMessage {
  if (!Array.isArray(value) || value.length !== 6) return false;
  const items: readonly unknown[] = value;
  const n = items[1];
  const target = items[2];
  return (
    items[0] === "c" &&
    isCount(n) &&
    n > 0 &&
    (typeof target === "string" ? isName(target, LIMITS.targetLengthMax) : isCount(target)) &&
    isName(items[3], LIMITS.nameLengthMax) &&
    items[4] !== undefined &&
    isExtension(items[5])
  );
}

function isExtension(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  // What decoding yields inherits nothing by these names, and holds no `undefined`; an array has no `born`.
  const { born, low, ttl, trace, q, if: ifSeq }: { readonly [K in keyof CallExtension]?: unknown } = value;
  return (
    isCount(born) &&
    (low === undefined || isCount(low)) &&
    (ttl === undefined || isCount(ttl)) &&
    (trace === undefined || (typeof trace === "string" && trace.length <= LIMITS.traceLengthMax)) &&
    (q === undefined || q === 1) &&
    (ifSeq === undefined || isCount(ifSeq))
  );
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && Number.isSafeInteger(value);

const isName = (value: unknown, lengthMax: number): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= lengthMax;
