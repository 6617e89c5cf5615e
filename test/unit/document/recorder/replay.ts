// What the recorder's tests compare with: an independent applier (fast-json-patch), canonical JSON, and what must hold
// of every live tree.
import type { Json, JsonObject, PatchOperation } from "@tidemark/protocol";
import jsonPatch from "fast-json-patch";
import { detach } from "../../../../src/document/recorder/detach.js";

export const LIMITS = { depthMax: 64, bytesMax: 1 << 20 };

/** A live root made of a plain object. */
export function liveRoot(value: unknown): JsonObject {
  const root = detach(value, { depthMax: 64, bytesMax: 1 << 30 });
  if (typeof root !== "object" || root === null || Array.isArray(root)) throw new TypeError("a root is an object");
  return root as JsonObject;
}

export const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value));

/** JSON text with sorted keys: equal texts, equal JSON. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The operations as RFC 6902, applied one by one by a library that shares no code with ours. */
export function replayed(before: Json, operations: readonly PatchOperation[]): Json {
  let document: unknown = plain(before);
  for (const operation of operations) {
    for (const step of toRfc6902(document, operation))
      document = jsonPatch.applyOperation(document, step, true).newDocument;
  }
  return plain(document);
}

function toRfc6902(document: unknown, operation: PatchOperation): jsonPatch.Operation[] {
  switch (operation[0]) {
    case "+":
      return [{ op: "add", path: operation[1], value: plain(operation[2]) }];
    case "-":
      return [{ op: "remove", path: operation[1] }];
    case "=":
      return [{ op: "replace", path: operation[1], value: plain(operation[2]) }];
    case ">":
      return move(document, operation[1], operation[2]);
    case "~": {
      const text: unknown = jsonPatch.getValueByPointer(document, operation[1]);
      if (typeof text !== "string" || text === "") throw new TypeError(`nothing to append to at ${operation[1]}`);
      return [{ op: "replace", path: operation[1], value: text + operation[2] }];
    }
  }
}

/** As RFC 6902 defines it. The library looks for `path` before it has removed, and so refuses some that are right. */
function move(document: unknown, from: string, path: string): jsonPatch.Operation[] {
  if (path.startsWith(`${from}/`)) throw new TypeError(`a move from ${from} to below itself, ${path}`);
  const value = plain(jsonPatch.getValueByPointer(document, from));
  return [
    { op: "remove", path: from },
    { op: "add", path, value },
  ];
}

/** Throws unless every node stands at one place only, is no proxy of ours, and every object inherits nothing. */
export function assertTree(root: unknown): void {
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (seen.has(value)) throw new Error(`a node stands at two places: ${JSON.stringify(value)}`);
    seen.add(value);
    if (!Array.isArray(value) && "toString" in value && !Object.hasOwn(value, "toString")) {
      throw new Error(`an object inherits keys: ${JSON.stringify(value)}`);
    }
    for (const item of Object.values(value)) visit(item);
  };
  visit(root);
}
