// The last step of decoding: finds what a parser lets through although no frame may carry it, and brings numbers and
// text to their one form. The codecs call it only for frames in which their scan saw something suspicious.
import { wellFormed } from "./encodable.js";
import { FrameError, forbiddenKey } from "./frame-error.js";

/**
 * Brings a freshly decoded value to its one form, in place: `-0` is 0, lone surrogates are U+FFFD (FRAME-7).
 * Throws FrameError for a number without bounds and for the key `__proto__`.
 */
export function normalize(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return wellFormed(value);
    case "number":
      if (!Number.isFinite(value)) throw new FrameError("protocol_error", "A number is too large for a double.");
      return value === 0 ? 0 : value;
    case "object":
      if (value !== null) normalizeContainer(value);
      return value;
    default:
      return value;
  }
}

function normalizeContainer(value: object): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = normalize(value[index]);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw forbiddenKey();
    const name = wellFormed(key);
    const item = normalize(Reflect.get(value, key));
    if (name !== key) Reflect.deleteProperty(value, key);
    Reflect.set(value, name, item);
  }
}
