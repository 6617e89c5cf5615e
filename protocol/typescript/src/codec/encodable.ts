// Decides whether a value can leave in a frame, and makes text well-formed. Both codecs ask here before they encode,
// so that a Date or an `undefined` fails alike on either, instead of becoming a string, a null or an extension type.
import { LIMITS } from "../limits.js";
import { formatPointer } from "../patch/pointer.js";
import { EncodeError } from "./frame-error.js";

const DEPTH_MAX = LIMITS.depthMax + LIMITS.envelopeDepth;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** The text with every lone surrogate replaced by U+FFFD, as UTF-8 demands (FRAME-7). */
export function wellFormed(text: string): string {
  return text.search(LONE_SURROGATE) === -1 ? text : text.replace(LONE_SURROGATE, "\ufffd");
}

/** Throws EncodeError unless the value is JSON; says whether all of its text is well-formed. */
export function assertEncodable(value: unknown): boolean {
  return checkValue(value, []);
}

/** A deep copy with well-formed text. The value must be JSON. */
export function withWellFormedText(value: unknown): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withWellFormedText);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), withWellFormedText(item)]));
}

function checkValue(value: unknown, path: string[]): boolean {
  switch (typeof value) {
    case "string":
      return value.search(LONE_SURROGATE) === -1;
    case "number":
      if (!Number.isFinite(value)) throw new EncodeError(formatPointer(path), `${value} is not a JSON number`);
      return true;
    case "boolean":
      return true;
    case "object":
      return value === null || checkContainer(value, path);
    default:
      throw new EncodeError(formatPointer(path), `a value of type ${typeof value} is not JSON`);
  }
}

function checkContainer(value: object, path: string[]): boolean {
  if (path.length >= DEPTH_MAX) throw new EncodeError(formatPointer(path.slice(0, 4)), "nesting is too deep");
  if (Array.isArray(value)) return checkItems(value, path);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new EncodeError(formatPointer(path), `an instance of ${className(value)} is not JSON`);
  }
  let formed = true;
  for (const key of Object.keys(value)) {
    path.push(key);
    if (key === "__proto__") throw new EncodeError(formatPointer(path), "the key __proto__ is forbidden");
    formed = key.search(LONE_SURROGATE) === -1 && formed;
    formed = checkValue(Reflect.get(value, key), path) && formed;
    path.pop();
  }
  return formed;
}

function checkItems(items: readonly unknown[], path: string[]): boolean {
  let formed = true;
  for (let index = 0; index < items.length; index++) {
    path.push(String(index));
    formed = checkValue(items[index], path) && formed;
    path.pop();
  }
  return formed;
}

function className(value: object): string {
  const maker: unknown = Reflect.get(value, "constructor");
  return typeof maker === "function" ? maker.name : "a class";
}
