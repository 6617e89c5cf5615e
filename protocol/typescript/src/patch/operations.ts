// The operations a delta is made of: compact ones on the wire and in the log, RFC 6902 ones for everybody else.
import type { Json } from "../json.js";

/**
 * A compact operation: add, remove, replace, move as in RFC 6902, and `~`: append to a string.
 * Paths are JSON Pointers (RFC 6901).
 */
export type PatchOperation =
  | readonly ["+", path: string, value: Json]
  | readonly ["-", path: string]
  | readonly ["=", path: string, value: Json]
  | readonly [">", from: string, path: string]
  | readonly ["~", path: string, suffix: string];

/** An RFC 6902 operation. */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };
