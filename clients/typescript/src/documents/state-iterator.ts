// A followed document as an async iterator: the newest state each time, skipping what a slow loop missed.
import type { Unsubscribe } from "../api/document.js";

/** What is iterated over. */
export interface StateSource<State> {
  readonly state: State | undefined;
  /** Undefined: there may be more. Otherwise it ends, by throwing when there is an error. */
  readonly end: { readonly error: unknown } | undefined;
  /** Calls `wake` whenever `state` or `end` may have changed. */
  listen(wake: () => void): Unsubscribe;
}

/** Begins with the state that is there. Stops listening when it ends, or when its loop is left. */
export async function* statesOf<State>(source: StateSource<State>): AsyncGenerator<State, void, void> {
  let wake: () => void = () => undefined;
  const stop = source.listen(() => wake());
  let last: State | undefined;
  try {
    for (;;) {
      const { state, end } = source;
      if (state !== undefined && state !== last) {
        last = state;
        yield state;
        continue;
      }
      if (end?.error !== undefined) throw end.error;
      if (end !== undefined) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stop();
  }
}
