// What came over the wire, as what it is.
import type { Json } from "@tidemark/protocol";

/** It is JSON, whatever its contract says; a handler that returned nothing gave nothing. */
export function asJson(value: unknown): Json {
  return value === undefined ? null : (value as Json);
}
