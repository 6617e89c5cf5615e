// What a write logs, one example for each of the recorder's rules.
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
import { describe, expect, it } from "vitest";
import { record } from "../../../../src/document/recorder/recorder.js";
import { logged } from "./fixture.js";
import { canonical, LIMITS, liveRoot } from "./replay.js";

describe("what a write logs", () => {
  it("set, add and delete of a key", () => {
    expect(
      logged((s) => {
        s.count = 2;
        s.fresh = { x: 1 };
        delete s.records.one;
        delete s.absent;
      }),
    ).toEqual([
      ["=", "/count", 2],
      ["+", "/fresh", { x: 1 }],
      ["-", "/records/one"],
    ]);
  });

  it("array methods as indexed operations, lengths and positions as in JavaScript", () => {
    expect(logged((s) => s.n.push(7, 8))).toEqual([
      ["+", "/n/3", 7],
      ["+", "/n/4", 8],
    ]);
    expect(logged((s) => expect(s.n.pop()).toBe(2))).toEqual([["-", "/n/2"]]);
    expect(logged((s) => expect(s.n.shift()).toBe(3))).toEqual([["-", "/n/0"]]);
    expect(logged((s) => expect(s.n.unshift(9)).toBe(4))).toEqual([["+", "/n/0", 9]]);
    expect(logged((s) => expect(s.n.splice(-2, 1, 5, 6)).toEqual([1]))).toEqual([
      ["=", "/n/1", 5],
      ["+", "/n/2", 6],
    ]);
    expect(logged((s) => s.n.splice(0, 2, 9))).toEqual([
      ["=", "/n/0", 9],
      ["-", "/n/1"],
    ]);
    expect(logged((s) => (s.n[3] = 4))).toEqual([["+", "/n/3", 4]]);
    expect(logged((s) => s.n.splice(1))).toEqual([
      ["-", "/n/2"],
      ["-", "/n/1"],
    ]);
    expect(logged((s) => [s.n.splice(1, 0), Reflect.apply(s.n.splice, s.n, [])])).toEqual([]);
  });

  it("a shorter length as removes from the end", () => {
    expect(logged((s) => (s.a.length = 2))).toEqual([
      ["-", "/a/3"],
      ["-", "/a/2"],
    ]);
    expect(logged((s) => (s.a.length = 4))).toEqual([]);
  });

  it("the rest of an array when that is shorter than its many removals", () => {
    const root = liveRoot({ list: Array.from({ length: 100_000 }, (_, index) => index) });
    const before = canonical(root);
    const recording = record<{ list: number[] }>(root, LIMITS);
    recording.draft.list.length = 1;
    recording.draft.list.push(5);
    expect(recording.finish().operations).toEqual([["=", "/list", [0, 5]]]);
    recording.rollback();
    expect(canonical(root)).toBe(before);
  });

  it("sort, reverse, fill and copyWithin as one replace of the array, or nothing when the order stays", () => {
    expect(logged((s) => s.n.sort())).toEqual([["=", "/n", [1, 2, 3]]]);
    expect(logged((s) => s.n.sort((x, y) => y - x))).toEqual([["=", "/n", [3, 2, 1]]]);
    expect(logged((s) => s.a.sort((x, y) => (x.text < y.text ? -1 : 1)))).toEqual([]);
    expect(logged((s) => s.n.reverse())).toEqual([["=", "/n", [2, 1, 3]]]);
    expect(logged((s) => s.n.fill(0, 1))).toEqual([["=", "/n", [3, 0, 0]]]);
    expect(logged((s) => s.n.copyWithin(0, 1))).toEqual([["=", "/n", [1, 2, 2]]]);
    expect(
      logged((s) => {
        const first = s.a[0];
        s.a.reverse();
        if (first !== undefined) first.text = "moved along";
        s.a.push({ text: "new" });
      }),
    ).toEqual([["=", "/a", [{ text: "3" }, { text: "2" }, { text: "1" }, { text: "moved along" }, { text: "new" }]]]);
  });

  it("one operation for all writes to a key", () => {
    expect(
      logged((s) => {
        s.count += 1;
        s.count += 1;
        s.records.three = { n: 1 };
        s.records.three.n = 3;
        s.records.three = { n: 4 };
        s.records.two = { n: 0 };
        delete s.records.two;
        delete s.records.one;
        s.records.one = { n: 9 };
        s.passing = 1;
        delete s.passing;
        s.n.push(1);
        s.n[3] = 2;
      }),
    ).toEqual([
      ["=", "/count", 3],
      ["+", "/records/three", { n: 4 }],
      ["-", "/records/two"],
      ["=", "/records/one", { n: 9 }],
      ["+", "/n/3", 2],
    ]);
  });

  it("sets of an index anew once elements have shifted", () => {
    expect(
      logged((s) => {
        s.n[0] = 8;
        s.n[0] = 9;
        s.n.unshift(7);
        s.n[0] = 6;
        s.n[1] = 5;
      }),
    ).toEqual([
      ["=", "/n/0", 9],
      ["+", "/n/0", 7],
      ["=", "/n/0", 6],
      ["=", "/n/1", 5],
    ]);
  });

  it("nothing for a value that is the same in the end, nor for a draft set to its own place", () => {
    expect(
      logged((s) => {
        s.count = 1;
        s.count = 5;
        s.count = 1;
        s.records.two = s.records.two ?? { n: 0 };
        s.n[0] = 3;
      }),
    ).toEqual([]);
  });

  it("appends as ~, together; any other change of a text as =", () => {
    expect(
      logged((s) => {
        s.text += "d";
        s.text += "ef";
      }),
    ).toEqual([["~", "/text", "def"]]);
    expect(logged((s) => (s.text = "ab"))).toEqual([["=", "/text", "ab"]]);
    expect(
      logged((s) => {
        s.text = "";
        s.text += "abc";
        s.text += "d";
      }),
    ).toEqual([["~", "/text", "d"]]);
    expect(
      logged((s) => {
        s.records.empty = { n: 0 };
        s.title = "";
        s.title += "x";
      }),
    ).toEqual([
      ["+", "/records/empty", { n: 0 }],
      ["+", "/title", "x"],
    ]);
    const root = liveRoot({ text: "" });
    const recording = record<{ text: string }>(root, LIMITS);
    recording.draft.text += "first";
    expect(recording.finish().operations).toEqual([["=", "/text", "first"]]);
  });

  it("a move for what is taken out and put in again at once, within one part of the state", () => {
    expect(logged((s) => s.a.splice(0, 0, ...s.a.splice(2, 1)))).toEqual([[">", "/a/2", "/a/0"]]);
    expect(
      logged((s) => {
        const one = s.records.one ?? { n: 0 };
        delete s.records.one;
        s.records.moved = one;
        s.records.moved.n = 5;
      }),
    ).toEqual([
      [">", "/records/one", "/records/moved"],
      ["=", "/records/moved/n", 5],
    ]);
  });

  it("a move that stays one when its origin or its target is written again", () => {
    expect(
      logged((s) => {
        const one = s.records.one ?? { n: 0 };
        delete s.records.one;
        s.records.moved = one;
        s.records.one = { n: 9 };
        s.records.moved = { n: 8 };
      }),
    ).toEqual([
      [">", "/records/one", "/records/moved"],
      ["+", "/records/one", { n: 9 }],
      ["=", "/records/moved", { n: 8 }],
    ]);
  });

  it("remove and add between two top-level parts, or after anything else was logged", () => {
    expect(
      logged((s) => {
        const [item] = s.a.splice(1, 1);
        s.other = [];
        s.a.push(item ?? { text: "" });
      }),
    ).toEqual([
      ["-", "/a/1"],
      ["+", "/other", []],
      ["+", "/a/3", { text: "1" }],
    ]);
    const root = liveRoot({ open: { k: { n: 1 } }, hidden: {} });
    const recording = record<{ open: Record<string, unknown>; hidden: Record<string, unknown> }>(root, LIMITS);
    const { k } = recording.draft.open;
    delete recording.draft.open.k;
    recording.draft.hidden.k = k;
    expect(recording.finish().operations).toEqual([
      ["-", "/open/k"],
      ["+", "/hidden/k", { n: 1 }],
    ]);
  });

  it("no move to below where it came from: RFC 6902 forbids it", () => {
    const root = liveRoot({ rows: [[{ x: 1 }], [{ y: 2 }]] });
    const recording = record<{ rows: unknown[][] }>(root, LIMITS);
    const [row] = recording.draft.rows.splice(0, 1);
    recording.draft.rows[0]?.push(row);
    expect(recording.finish().operations).toEqual([
      ["-", "/rows/0"],
      ["+", "/rows/0/1", [{ x: 1 }]],
    ]);
  });

  it("keys with ~ and / escaped, and keys that objects usually inherit", () => {
    expect(
      logged((s) => {
        s["a/b~c"] = 1;
        s[""] = 2;
        s.constructor = 3 as never;
        s.toString = 4 as never;
        s.hasOwnProperty = 5 as never;
      }),
    ).toEqual([
      ["+", "/a~1b~0c", 1],
      ["+", "/", 2],
      ["+", "/constructor", 3],
      ["+", "/toString", 4],
      ["+", "/hasOwnProperty", 5],
    ]);
  });

  it("plain data that shares nothing with the state", () => {
    const root = liveRoot({});
    const recording = record<{ x?: { y: number } }>(root, LIMITS);
    recording.draft.x = { y: 1 };
    const { operations } = recording.finish();
    const second = record<{ x: { y: number } }>(root, LIMITS);
    second.draft.x.y = 2;
    second.finish();
    expect(operations).toStrictEqual([["+", "/x", { y: 1 }]]);
  });
});
