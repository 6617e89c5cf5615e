// What a write may not do, the limits of a transaction, and that a refusal or a rollback leaves the state as it was.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import { describe, expect, it } from "vitest";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { type Item, initial, logged, refusalOf, type State } from "./fixture.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

describe("what is refused", () => {
  it.each<[string, string, (s: State) => unknown]>([
    ["a key __proto__", "/__proto__", (s) => Reflect.set(s, "__proto__", {})],
    ["a symbol key", "/records", (s) => Reflect.set(s.records, Symbol("x"), 1)],
    ["a longer length", "/n/length", (s) => (s.n.length = 4)],
    ["a length that is none", "/n/length", (s) => (s.n.length = 1.5)],
    ["a hole", "/n/5", (s) => (s.n[5] = 1)],
    ["a key of an array", "/n/name", (s) => Reflect.set(s.n, "name", 1)],
    ["an index in another form", "/n/01", (s) => Reflect.set(s.n, "01", 1)],
    ["a negative index", "/n/-1", (s) => (s.n[-1] = 1)],
    ["delete of an element", "/n/1", (s) => delete s.n[1]],
    ["defineProperty", "/records/x", (s) => Object.defineProperty(s.records, "x", { value: 1 })],
    ["setPrototypeOf", "/records", (s) => Object.setPrototypeOf(s.records, {})],
    ["freeze", "/records/one", (s) => Object.freeze(s.records.one)],
    ["seal", "", (s) => Object.seal(s)],
    ["preventExtensions", "/a/2", (s) => Object.preventExtensions(s.a[2])],
    ["undefined", "/count", (s) => Reflect.set(s, "count", undefined)],
    ["undefined by push", "/n/3", (s) => s.n.push(undefined as never)],
    ["undefined inside", "/a/4/done", (s) => s.a.push({ text: "", done: undefined as never })],
  ])("%s, with the path", (_what, path, write) => {
    const error = refusalOf(write);
    expect(error.path).toBe(path);
    expect(error.code).toBe("invalid_state");
  });

  it("changes nothing when a handler goes on after a refusal", () => {
    expect(
      logged((s) => {
        expect(() => s.a.splice(0, 2, { text: "ok" }, { text: Number.NaN as never })).toThrow("/a/1/text: NaN");
        expect(() => s.n.fill(Number.POSITIVE_INFINITY)).toThrow(InvalidStateError);
        expect(() => (s.records.one = { n: Number.NaN })).toThrow(InvalidStateError);
        s.count = 9;
      }),
    ).toEqual([["=", "/count", 9]]);
  });

  it("[R19] a foreign proxy that throws only ends the transaction", () => {
    const root = liveRoot(initial());
    const before = canonical(root);
    const trap = (): never => {
      throw new RangeError("a trap");
    };
    const hostile = ["get", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf", "has"].map(
      (name) => new Proxy({ x: 1 }, { [name]: trap }),
    );
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const value of [...hostile.slice(0, 4), proxy]) {
      const recording = record<State>(root, LIMITS);
      recording.draft.count = 5;
      expect(() => (recording.draft.x = value)).toThrow();
      expect(() => recording.draft.a.push({ text: "", ...{ value } })).toThrow();
      recording.rollback();
      expect(canonical(root)).toBe(before);
    }
  });
});

describe("limits", () => {
  it("counts depth from the root", () => {
    const recording = record<{ a: { b: { c?: unknown } } }>(liveRoot({ a: { b: {} } }), { ...LIMITS, depthMax: 4 });
    recording.draft.a.b.c = [1];
    expect(() => (recording.draft.a.b.c = [[]])).toThrow("/a/b/c/0: state is at most 4 levels deep");
    expect(() => (recording.draft.a.b.c = recording.draft.a)).toThrow("4 levels");
  });

  it("counts the bytes of what one transaction writes, not of what it writes over", () => {
    const recording = record<State>(liveRoot(initial()), { ...LIMITS, bytesMax: 1_000 });
    for (let round = 0; round < 1_000; round++) {
      recording.draft.count = round;
      recording.draft.records.one = { n: round };
      recording.draft.title = "x".repeat(100);
    }
    for (let round = 0; round < 100; round++) recording.draft.text += "é";
    expect(() => (recording.draft.big = "x".repeat(1_000))).toThrow("/big: one transaction writes at most 1000 bytes");
    expect(() => {
      for (let round = 0; round < 10; round++) recording.draft.a.push({ text: "x".repeat(100) });
    }).toThrow("1000 bytes");
  });
});

describe("rollback", () => {
  it("restores elements in their order after a mixture of everything", () => {
    const root = liveRoot(initial());
    const before = JSON.stringify(root);
    const recording = record<State>(root, LIMITS);
    const { draft } = recording;
    draft.a.reverse();
    draft.a.splice(1, 2, { text: "x" });
    (draft.a[0] as Item).text += "!";
    draft.n.sort();
    draft.n.unshift(...Array.from({ length: 20_000 }, () => 1));
    draft.n.length = 2;
    draft.fresh = { deep: { er: [] } };
    (draft.fresh as { deep: { er: number[] } }).deep.er.push(1);
    draft.text = "other";
    recording.rollback();
    expect(JSON.stringify(root)).toBe(before);
  });

  it("works after finish too, and only once", () => {
    const root = liveRoot(initial());
    const recording = record<State>(root, LIMITS);
    recording.draft.count = 2;
    recording.finish();
    recording.rollback();
    const second = record<State>(root, LIMITS);
    second.draft.count = 3;
    second.finish();
    recording.rollback();
    expect(root.count).toBe(3);
  });
});
