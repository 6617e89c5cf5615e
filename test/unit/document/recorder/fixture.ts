// A small state of every shape, and the two things a recorder test wants to know of a handler: what it logged, or why
// it was refused.
import { expect } from "vitest";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { canonical, LIMITS, liveRoot, plain, replayed } from "./replay.js";

export interface Item {
  text: string;
  done?: boolean;
}

export interface State {
  a: Item[];
  n: number[];
  text: string;
  count: number;
  records: Record<string, { n: number; inner?: { deep: number } }>;
  [name: string]: unknown;
}

export const initial = (): State => ({
  a: [{ text: "0" }, { text: "1" }, { text: "2" }, { text: "3" }],
  n: [3, 1, 2],
  text: "abc",
  count: 1,
  records: { one: { n: 1, inner: { deep: 1 } }, two: { n: 2 } },
});

/** Runs a handler on a fresh state; gives its operations after checking that they replay to the state it made. */
export function logged(handler: (state: State) => unknown): readonly unknown[] {
  const root = liveRoot(initial());
  const before = plain(root);
  const recording = record<State>(root, LIMITS);
  handler(recording.draft);
  const { operations } = recording.finish();
  expect(canonical(replayed(before, operations))).toBe(canonical(root));
  recording.rollback();
  expect(canonical(root)).toBe(canonical(before));
  return operations;
}

export function refusalOf(handler: (state: State) => unknown): InvalidStateError {
  const recording = record<State>(liveRoot(initial()), LIMITS);
  try {
    handler(recording.draft);
  } catch (error) {
    if (error instanceof InvalidStateError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
