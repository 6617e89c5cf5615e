// How a patch can fail. A patch that fails has changed nothing.

/** What was wrong with an operation. */
export type PatchErrorCode =
  /** Not an operation: an unknown name, a missing field, a field of the wrong kind, removal of the whole document. */
  | "invalid_operation"
  /** The path is not a JSON Pointer. */
  | "invalid_pointer"
  /** Not an index of that array: not a plain decimal, beyond the end, or `-` where only an existing item will do. */
  | "invalid_index"
  /** The key `__proto__`. */
  | "forbidden_key"
  /** There is nothing at the path. */
  | "missing"
  /** Text can only be appended to text. */
  | "not_text"
  /** A value cannot be moved into itself. */
  | "into_itself"
  /** A `test` found something else. */
  | "test_failed"
  /** The operations would build more than the budget allows, or nest too deep. */
  | "too_large";

/** An operation that does not apply. `index` is its place in the patch, `pointer` the path at fault. */
export class PatchError extends Error {
  override readonly name = "PatchError";
  readonly code: PatchErrorCode;
  readonly index: number;
  readonly pointer: string;

  constructor(code: PatchErrorCode, at: { readonly index: number; readonly pointer: string }, message: string) {
    super(`operation ${at.index} at "${at.pointer}": ${message}`);
    this.code = code;
    this.index = at.index;
    this.pointer = at.pointer;
  }
}

/** The same before it is known which operation it was; never leaves the patch room. */
export class PatchFault extends Error {
  readonly code: PatchErrorCode;

  constructor(code: PatchErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
