// What may enter a state: every kind of value that JSON cannot say is refused by its path, wherever it hides.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detach } from "../../../../src/document/recorder/detach.js";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { value } from "./program.js";
import { assertTree, canonical, LIMITS, liveRoot } from "./replay.js";

class Point {
  x = 1;
}

const cycle: { self?: unknown } = {};
cycle.self = { inside: [cycle] };
const sparse: unknown[] = [1];
sparse[2] = 3;
const extra = Object.assign([1, 2], { name: "x" });
const hidden = Object.defineProperty({ a: 1 }, "b", { value: 2, enumerable: false });
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

const HOSTILE: [string, unknown, string][] = [
  ["undefined", undefined, ""],
  ["NaN", Number.NaN, ""],
  ["Infinity", Number.NEGATIVE_INFINITY, ""],
  ["a bigint", 1n, ""],
  ["a symbol", Symbol("x"), ""],
  ["a function", () => 1, ""],
  ["a Map", new Map(), ""],
  ["a Set", new Set(), ""],
  ["a Date", new Date(0), ""],
  ["a RegExp", /x/, ""],
  ["a typed array", new Uint8Array(1), ""],
  ["an Error", new Error("x"), ""],
  ["a boxed string", Object("x"), ""],
  ["a promise", Promise.resolve(1), ""],
  ["a class instance", new Point(), ""],
  ["a subclass of Array", new (class List extends Array {})(), ""],
  ["an object with a prototype of its own", Object.create({ inherited: 1 }), ""],
  ["a cycle", cycle, "/self/inside/0"],
  ["a sparse array", sparse, "/1"],
  ["an empty slot", new Array(1), "/0"],
  ["a key of an array", extra, ""],
  [
    "a getter",
    {
      get x() {
        return 1;
      },
    },
    "/x",
  ],
  ["a getter in an array", Object.defineProperty([1], 0, { get: () => 1, enumerable: true }), "/0"],
  ["a setter", { set x(_value: unknown) {} }, "/x"],
  ["a hidden property", hidden, "/b"],
  ["a symbol key", { [Symbol("x")]: 1 }, ""],
  ["__proto__ as JSON.parse makes it", JSON.parse('{"__proto__": 1}'), "/__proto__"],
  ["__proto__ as a literal makes it", { __proto__: { x: 1 } }, ""],
  ["half of a surrogate pair", "x\ud83d", ""],
  ["half of a surrogate pair in a key", { "\ude00": 1 }, "/\ude00"],
  ["depth", deep(65), "/0".repeat(64)],
];

describe("detach refuses", () => {
  it.each(HOSTILE)("[R19] %s, with the path", (_what, hostile, path) => {
    expect(() => detach(hostile, LIMITS)).toThrow(InvalidStateError);
    for (const [at, wrapped] of [
      ["", hostile],
      ["/a~1b/0", { "a/b": [hostile] }],
    ] as const) {
      if (_what === "depth" && at !== "") continue;
      try {
        detach(wrapped, { ...LIMITS, path: "" });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidStateError);
        expect((error as InvalidStateError).path).toBe(at + path);
        expect((error as InvalidStateError).message).toContain((error as InvalidStateError).path);
      }
    }
  });

  it.each(HOSTILE)("%s through a draft too, and leaves the state as it was", (_what, hostile) => {
    const root = liveRoot({ list: [], keep: { x: 1 } });
    const { draft } = record<{ list: unknown[]; keep: Record<string, unknown>; x?: unknown }>(root, LIMITS);
    const before = canonical(root);
    expect(() => (draft.x = hostile)).toThrow(InvalidStateError);
    expect(() => draft.list.push(1, hostile)).toThrow(InvalidStateError);
    expect(() => Object.assign(draft.keep, { y: { z: hostile } })).toThrow(InvalidStateError);
    expect(canonical(root)).toBe(before);
  });

  it("a small value that would copy to a huge one, at the byte limit", () => {
    let bomb: unknown = "x";
    for (let level = 0; level < 40; level++) bomb = [bomb, bomb];
    expect(() => detach(bomb, LIMITS)).toThrow("at most 1048576 bytes");
    expect(() => detach({ text: "é".repeat(600) }, { ...LIMITS, bytesMax: 1_000 })).toThrow("/text: ");
  });

  it("with paths and depth that begin where the value will stand", () => {
    expect(() => detach({ x: undefined }, { ...LIMITS, path: "/a~1b" })).toThrow("/a~1b/x: undefined");
    expect(() => detach([[]], { ...LIMITS, depthMax: 3, path: "/a/b" })).toThrow(
      "/a/b/0: state is at most 3 levels deep",
    );
    expect(detach([1], { ...LIMITS, depthMax: 3, path: "/a/b" })).toEqual([1]);
  });
});

describe("detach copies", () => {
  it("any JSON to an equal tree whose objects inherit nothing", () => {
    const run = fc.property(value, (json) => {
      const copy = detach(json, LIMITS);
      expect(canonical(copy)).toBe(canonical(json));
      assertTree(copy);
    });
    fc.assert(run, { numRuns: 2_000 });
  });

  it("-0 as 0, a value used twice as two, objects without a prototype and of other makers", () => {
    expect(Object.is(detach(-0, LIMITS), 0)).toBe(true);
    const shared = { x: 1 };
    assertTree(detach({ a: shared, b: shared }, LIMITS));
    expect(detach(Object.assign(Object.create(null), { x: 1 }), LIMITS)).toEqual({ x: 1 });
    expect(detach(detach({ x: [{}] }, LIMITS), LIMITS)).toEqual({ x: [{}] });
    expect(detach(deep(64), LIMITS)).toEqual(deep(64));
  });
});
