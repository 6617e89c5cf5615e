// Assertions that stay on in production: a broken one is a bug of ours, never an outcome.

/** Something that must never happen did. Whoever catches it stops what it was doing and says so; it never goes on. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "InvariantError";
  }
}

/** Throws InvariantError unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
