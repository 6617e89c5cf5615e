// How the recorder asks a state schema: which part is checked, when, and what a failing check does.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import type { Json } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import type { StateGuard } from "../../../../src/document/recorder/state-guard.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

interface State {
  count: number;
  boxes: { size: number; items: string[] }[];
}

const root = (): ReturnType<typeof liveRoot> =>
  liveRoot({
    count: 0,
    boxes: [
      { size: 1, items: ["a"] },
      { size: 2, items: [] },
    ],
  });

/** Notes what it is asked. Boxes are covered whole, like a refined schema; everything else value by value. */
class Notebook implements StateGuard {
  readonly writes: string[] = [];
  readonly removals: string[] = [];
  readonly checked: [string, Json][] = [];
  refuse: ((value: Json) => string | undefined) | undefined;

  readonly #value = (value: Json): void => this.#check("value", value);
  readonly #box = (value: Json): void => this.#check("box", value);

  coverWrite(path: readonly string[]): { depth: number; check(value: Json): void } {
    this.writes.push(path.join("/"));
    return path[0] === "boxes" && path.length > 2
      ? { depth: 2, check: this.#box }
      : { depth: path.length, check: this.#value };
  }

  coverRemoval(path: readonly string[]): { depth: number; check(value: Json): void } | undefined {
    this.removals.push(path.join("/"));
    return path[0] === "boxes" && path.length > 2 ? { depth: 2, check: this.#box } : undefined;
  }

  #check(kind: string, value: Json): void {
    this.checked.push([kind, JSON.parse(JSON.stringify(value))]);
    const problem = this.refuse?.(value);
    if (problem !== undefined) throw new InvalidStateError("/inside", problem);
  }
}

describe("a guarded recording", () => {
  it("checks a value at once and before it is written", () => {
    const state = root();
    const guard = new Notebook();
    guard.refuse = (value) => (value === 5 ? "five is too many" : undefined);
    const { draft } = record<State>(state, { ...LIMITS, guard });
    draft.count = 4;
    expect(() => (draft.count = 5)).toThrow("/count/inside: five is too many");
    expect(state.count).toBe(4);
    expect(guard.checked).toEqual([
      ["value", 4],
      ["value", 5],
    ]);
  });

  it("checks an enclosing part once, when the handler returns, as it is then", () => {
    const guard = new Notebook();
    const recording = record<State>(root(), { ...LIMITS, guard });
    const [box] = recording.draft.boxes;
    if (box === undefined) return;
    box.size = 2;
    box.size = 3;
    box.items.push("b", "c");
    box.items.shift();
    expect(guard.checked).toEqual([]);
    recording.finish();
    expect(guard.checked).toEqual([["box", { size: 3, items: ["b", "c"] }]]);
    expect(guard.writes).toEqual(["boxes/0/size", "boxes/0/size", "boxes/0/items/1", "boxes/0/items/2"]);
    expect(guard.removals).toEqual(["boxes/0/items/0"]);
  });

  it("follows the node that waits for its check, and forgets one that was removed", () => {
    const guard = new Notebook();
    const recording = record<State>(root(), { ...LIMITS, guard });
    const [first, second] = recording.draft.boxes;
    if (first === undefined || second === undefined) return;
    first.size = 7;
    second.size = 8;
    recording.draft.boxes.unshift({ size: 0, items: [] });
    recording.draft.boxes.splice(1, 1);
    guard.refuse = (value) => (canonical(value).includes("8") ? "bad box" : undefined);
    expect(() => recording.finish()).toThrow("/boxes/1/inside: bad box");
    expect(guard.checked.filter(([kind]) => kind === "box")).toEqual([["box", { size: 8, items: [] }]]);
  });

  it("rolls everything back when a late check fails, and ends the drafts", () => {
    const state = root();
    const before = canonical(state);
    const guard = new Notebook();
    const recording = record<State>(state, { ...LIMITS, guard });
    recording.draft.count = 1;
    recording.draft.boxes.reverse();
    (recording.draft.boxes[0] as { size: number }).size = 9;
    guard.refuse = () => "never";
    expect(() => recording.finish()).toThrow(InvalidStateError);
    expect(canonical(state)).toBe(before);
    expect(() => recording.draft.count).toThrow(TypeError);
    recording.rollback();
    expect(canonical(state)).toBe(before);
  });

  it("is asked about writes inside new values, whole arrays and deleted keys", () => {
    const guard = new Notebook();
    const recording = record<State & { extra?: Record<string, unknown> }>(root(), { ...LIMITS, guard });
    const { draft } = recording;
    draft.extra = { inner: {} };
    Reflect.set(draft.extra.inner as object, "x", 1);
    delete draft.extra.inner;
    draft.boxes.reverse();
    recording.finish();
    expect(guard.writes).toEqual(["extra", "extra/inner/x", "boxes"]);
    expect(guard.removals).toEqual(["extra/inner"]);
  });

  it("lets what a check throws beside InvalidStateError through, rolled back", () => {
    const state = root();
    const guard = new Notebook();
    guard.refuse = (value) => {
      if (value === 1) return undefined;
      throw new RangeError("a refinement threw");
    };
    const recording = record<State>(state, { ...LIMITS, guard });
    recording.draft.count = 1;
    (recording.draft.boxes[0] as { size: number }).size = 9;
    expect(() => recording.finish()).toThrow(RangeError);
    expect(state.count).toBe(0);
  });
});
