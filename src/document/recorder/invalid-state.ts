// The one error a write can meet: what was written is not JSON, not what the schema allows, or would be lost.
// It never decides what happens next: the document answers `invalid_state` and rolls back.

/** A refused write. `path` is the JSON pointer (RFC 6901) of the value that is wrong, "" for the root. */
export class InvalidStateError extends Error {
  override readonly name = "InvalidStateError";
  readonly code = "invalid_state";
  readonly path: string;
  /** What is wrong, without the path. */
  readonly problem: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(path === "" ? problem : `${path}: ${problem}`, options);
    this.path = path;
    this.problem = problem;
  }

  /** The same error for a reader who stands at a root above: `prefix` is the pointer of the subtree that was checked. */
  below(prefix: string): InvalidStateError {
    return prefix === "" ? this : new InvalidStateError(prefix + this.path, this.problem, { cause: this });
  }
}
