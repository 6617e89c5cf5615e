// What the recorder asks of a state schema: which part to check after a write. Types only; the definition room
// implements them, so that the recorder knows nothing of schemas.
import type { Json } from "@tidemark/protocol";

/** Says which part of the state must be checked after a write. Implemented by the compiled state schema. */
export interface StateGuard {
  /**
   * A value was set at `path` (unescaped tokens; the array is reused, so copy what you keep). The subtree at
   * `path.slice(0, depth)` must pass `check`: at once when depth is `path.length`, else when the handler returns.
   */
  coverWrite(path: readonly string[]): Cover;
  /** A key was deleted or an element removed at `path`; its `depth` is less than `path.length`. undefined: nothing to check. */
  coverRemoval(path: readonly string[]): Cover | undefined;
}

/**
 * A subtree to check. `check` throws InvalidStateError with the path below the subtree, and neither keeps nor changes
 * the value. A deferred check runs once for each node and `check` function: one function per schema node is best.
 */
export interface Cover {
  readonly depth: number;
  check(value: Json): void;
}
