// The view that queries and access functions get: live, complete, and closed to every way of writing.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import { describe, expect, it } from "vitest";
import { ReadOnlyStateError, readOnly } from "../../../../src/document/recorder/read-only.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

interface State {
  list: { n: number }[];
  records: Record<string, { n: number }>;
}

const root = (): ReturnType<typeof liveRoot> => liveRoot({ list: [{ n: 2 }, { n: 1 }], records: { a: { n: 1 } } });

describe("a read-only view", () => {
  it("reads like the state, with own keys only and one proxy for each node", () => {
    const { view } = readOnly<State>(root());
    expect(view.list.map(({ n }) => n)).toEqual([2, 1]);
    expect(view.list[0]).toBe(view.list.at(0));
    expect(Object.values(view.records)).toEqual([{ n: 1 }]);
    expect("toString" in view.records).toBe(false);
    expect(view.list.toSorted((x, y) => x.n - y.n).map(({ n }) => n)).toEqual([1, 2]);
    expect(JSON.stringify(view)).toBe('{"list":[{"n":2},{"n":1}],"records":{"a":{"n":1}}}');
    expect(view.list.indexOf(view.list[1] as { n: number })).toBe(1);
  });

  it.each<[string, string, (view: State) => unknown]>([
    ["a set", "/records/b", (view) => (view.records.b = { n: 1 })],
    ["a nested set", "/list/1/n", (view) => ((view.list[1] as { n: number }).n = 5)],
    ["a delete", "/records/a", (view) => delete view.records.a],
    ["push", "/list/2", (view) => view.list.push({ n: 1 })],
    ["pop", "/list/1", (view) => view.list.pop()],
    ["sort", "/list/0", (view) => view.list.sort((x, y) => x.n - y.n)],
    ["length", "/list/length", (view) => (view.list.length = 0)],
    ["defineProperty", "/records/x", (view) => Object.defineProperty(view.records, "x", { value: 1 })],
    ["freeze", "/records", (view) => Object.freeze(view.records)],
    ["setPrototypeOf", "", (view) => Object.setPrototypeOf(view, null)],
    ["a symbol", "", (view) => Reflect.set(view, Symbol("x"), 1)],
  ])("refuses %s, naming the path", (_way, path, write) => {
    const state = root();
    const before = canonical(state);
    const { view } = readOnly<State>(state);
    try {
      write(view);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ReadOnlyStateError);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as ReadOnlyStateError).path).toBe(path);
    }
    expect(canonical(state)).toBe(before);
  });

  it("shows later transactions, and is dead once revoked, nested parts too", () => {
    const state = root();
    const look = readOnly<State>(state);
    const { view } = look;
    const { list } = view;
    const recording = record<State>(state, LIMITS);
    recording.draft.list.push({ n: 3 });
    recording.finish();
    expect(list.length).toBe(3);
    look.revoke();
    expect(() => view.list).toThrow(TypeError);
    expect(() => list[0]).toThrow(TypeError);
    expect(() => list.push({ n: 1 })).toThrow(TypeError);
  });

  it("cannot be written through by inserting it: a copy is made", () => {
    const state = root();
    const { view } = readOnly<State>(state);
    const recording = record<State & { copy?: unknown }>(state, LIMITS);
    recording.draft.copy = view.records;
    expect(recording.finish().operations).toEqual([["+", "/copy", { a: { n: 1 } }]]);
  });
});
