// Applies patches: compact operations as deltas carry them, and RFC 6902 as everybody else speaks it. Neither touches
// its input; the result shares every subtree that no operation wrote to.
import type { Json } from "../json.js";
import { LIMITS } from "../limits.js";
import type { JsonPatchOperation, PatchOperation } from "./operations.js";
import { PatchError, PatchFault } from "./patch-error.js";
import { PointerError, parsePointer } from "./pointer.js";
import { WorkingCopy } from "./working-copy.js";

/** What applying may cost. */
export interface PatchOptions {
  /** About how many bytes of JSON text the operations may put into the document. Default: the largest state. */
  readonly bytesMax?: number;
}

/** The document after compact operations. Throws PatchError with the operation's index; then nothing has happened. */
export function applyPatch(document: Json, operations: readonly PatchOperation[], options: PatchOptions = {}): Json {
  const copy = workingCopy(document, options);
  operations.forEach((operation, index) => {
    locate(index, operation[1], () => applyCompact(copy, operation));
  });
  return copy.document;
}

/** The document after RFC 6902 operations. Throws PatchError with the operation's index; then nothing has happened. */
export function applyJsonPatch(
  document: Json,
  operations: readonly JsonPatchOperation[],
  options: PatchOptions = {},
): Json {
  const copy = workingCopy(document, options);
  operations.forEach((operation, index) => {
    if (typeof operation !== "object" || operation === null) {
      throw new PatchError("invalid_operation", { index, pointer: "" }, "not an operation");
    }
    locate(index, operation.path, () => applyStandard(copy, operation));
  });
  return copy.document;
}

/** The same change in RFC 6902: an append becomes a `replace` by the whole text, found by replaying on `before`. */
export function toJsonPatch(before: Json, operations: readonly PatchOperation[]): JsonPatchOperation[] {
  const copy = workingCopy(before, {});
  const replays = operations.some(([name]) => name === "~");
  return operations.map((operation, index) => {
    if (replays) locate(index, operation[1], () => applyCompact(copy, operation));
    if (operation[0] !== "~") return standard(operation);
    return { op: "replace", path: operation[1], value: copy.read(parsePointer(operation[1])) };
  });
}

function workingCopy(document: Json, options: PatchOptions): WorkingCopy {
  return new WorkingCopy(document, options.bytesMax ?? LIMITS.stateBytesCeiling);
}

function applyCompact(copy: WorkingCopy, operation: PatchOperation): void {
  const path = tokens(operation[1]);
  if (operation[0] === "+") copy.add(path, given(operation[2]));
  else if (operation[0] === "-") copy.remove(path);
  else if (operation[0] === "=") copy.replace(path, given(operation[2]));
  else if (operation[0] === ">") copy.move(path, tokens(operation[2]));
  else if (operation[0] === "~") copy.append(path, text(operation[2]));
  else throw unknownOperation(operation);
}

function applyStandard(copy: WorkingCopy, operation: JsonPatchOperation): void {
  const path = tokens(operation.path);
  if (operation.op === "add") copy.add(path, given(operation.value));
  else if (operation.op === "remove") copy.remove(path);
  else if (operation.op === "replace") copy.replace(path, given(operation.value));
  else if (operation.op === "move") copy.move(tokens(operation.from), path);
  else if (operation.op === "copy") copy.copy(tokens(operation.from), path);
  else if (operation.op === "test") copy.test(path, given(operation.value));
  else throw unknownOperation(operation);
}

function standard(operation: Exclude<PatchOperation, readonly ["~", string, string]>): JsonPatchOperation {
  switch (operation[0]) {
    case "+":
      return { op: "add", path: operation[1], value: operation[2] };
    case "-":
      return { op: "remove", path: operation[1] };
    case "=":
      return { op: "replace", path: operation[1], value: operation[2] };
    case ">":
      return { op: "move", from: operation[1], path: operation[2] };
  }
}

// A patch may come from anywhere, so the fields are looked at although their types promise enough.

function tokens(pointer: unknown): string[] {
  return parsePointer(text(pointer));
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new PatchFault("invalid_operation", "a path or suffix is not text");
  return value;
}

function given(value: Json | undefined): Json {
  if (value === undefined) throw new PatchFault("invalid_operation", "the operation has no value");
  return value;
}

function unknownOperation(operation: unknown): PatchFault {
  return new PatchFault("invalid_operation", `not an operation: ${JSON.stringify(operation)}`);
}

function locate(index: number, pointer: unknown, run: () => void): void {
  const at = { index, pointer: typeof pointer === "string" ? pointer : "" };
  try {
    run();
  } catch (error) {
    if (error instanceof PatchFault) throw new PatchError(error.code, at, error.message);
    if (error instanceof PointerError) throw new PatchError("invalid_pointer", at, error.message);
    throw error;
  }
}
