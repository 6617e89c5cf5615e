// Takes a copy of what an application sends: retries must carry the same bytes whatever it does with its objects
// afterwards, and what is not JSON must fail at the call, with its path, before anything is numbered.
import { formatPointer, type Json, LIMITS, TidemarkError } from "@tidemark/protocol";

/**
 * A deep copy as JSON. `undefined` at the root is null, for messages without input; properties that are undefined are
 * left out. Throws TidemarkError `invalid_input` with path, expected and received kind.
 */
export function copyInput(input: unknown): Json {
  return input === undefined ? null : copy(input, []);
}

function copy(value: unknown, path: string[]): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw refusal(path, "a finite number", String(value));
      return value === 0 ? 0 : value;
    case "object":
      return value === null ? null : copyContainer(value, path);
    default:
      throw refusal(path, "JSON", typeof value);
  }
}

function copyContainer(value: object, path: string[]): Json {
  if (path.length >= LIMITS.depthMax) throw refusal(path.slice(0, 4), `at most ${LIMITS.depthMax} levels`, "more");
  if (Array.isArray(value)) return value.map((item: unknown, index) => copy(item, [...path, String(index)]));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw refusal(path, "a plain object", kindOf(value));
  const copied: { [name: string]: Json } = {};
  for (const [name, item] of Object.entries(value)) {
    const at = [...path, name];
    if (name === "__proto__") throw refusal(at, "another key", "__proto__");
    if (item !== undefined) copied[name] = copy(item, at);
  }
  return copied;
}

function kindOf(value: object): string {
  const maker: unknown = Reflect.get(value, "constructor");
  return typeof maker === "function" ? maker.name : "object";
}

function refusal(path: readonly string[], expected: string, received: string): TidemarkError {
  const pointer = formatPointer(path);
  return new TidemarkError("invalid_input", {
    message: `The input at "${pointer}" is ${received}, expected ${expected}.`,
    data: [{ path: pointer, expected, received }],
  });
}
