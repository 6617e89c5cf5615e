import type { Json } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { DialogueError, Names } from "./names.js";
import { match } from "./pattern.js";

const names = (given: { readonly [name: string]: Json } = {}): Names => new Names({ $now: () => 1_000 }, given);
const fits = (pattern: Json, value: Json, known = names()): boolean => match(pattern, value, known) === undefined;

describe("patterns", () => {
  it("match objects by the keys that are given, and lists item by item", () => {
    expect(fits({ a: 1 }, { a: 1, later: 2 })).toBe(true);
    expect(fits({ a: 1, b: "$absent" }, { a: 1 })).toBe(true);
    expect(fits({ b: "$absent" }, { b: null })).toBe(false);
    expect(fits({ a: 1 }, { b: 1 })).toBe(false);
    expect(fits({ constructor: "$any" }, {})).toBe(false);
    expect(fits([{ a: [1, 2] }], [{ a: [1, 2, 3] }])).toBe(false);
    expect(fits([1, [2]], [1, [2], "later"])).toBe(true);
    expect(fits([1, 2], [1])).toBe(false);
  });

  it("bind a name at first sight and want the same value afterwards", () => {
    const known = names();
    expect(fits(["$h", { again: "$h" }], [7, { again: 8 }], known)).toBe(false);
    expect(known.get("h")).toBeUndefined();
    expect(fits(["$h", { again: "$h" }], [7, { again: 7 }], known)).toBe(true);
    expect(known.get("h")).toBe(7);
    expect(fits(["$h"], [8], known)).toBe(false);
  });

  it("know kinds, bounds and exact values", () => {
    for (const [pattern, yes, no] of [
      ["$integer", 3, 3.5],
      ["$text", "", 1],
      ["$list", [], {}],
      [{ $atLeast: 3 }, 3, 2],
      [{ $between: [1, { $now: 0 }] }, 1_000, 1_001],
      [{ $exactly: { a: 1 } }, { a: 1 }, { a: 1, b: 2 }],
      [{ $not: 4 }, 5, 4],
      ["$$head", "$head", "$$head"],
    ] satisfies [Json, Json, Json][]) {
      expect([pattern, fits([pattern], [yes])]).toEqual([pattern, true]);
      expect([pattern, fits([pattern], [no])]).toEqual([pattern, false]);
    }
  });

  it("say where the first difference is", () => {
    expect(match(["no", 1, { data: { path: "/a" } }], ["no", 1, { data: { path: "/b" } }], names())).toEqual({
      path: "[2].data.path",
      expected: '"/a"',
      came: '"/b"',
    });
  });
});

describe("values", () => {
  it("are filled in from names, clocks and sums", () => {
    const known = names({ key: "k1", epoch: 5, held: [5, 2, ""] });
    expect(known.value(["open", { doc: "counter/{key}", at: ["$held"] }])).toEqual([
      "open",
      { doc: "counter/k1", at: [[5, 2, ""]] },
    ]);
    expect(known.value([{ $plus: ["$epoch", 1] }, { $repeat: ["ab", 2] }, { $now: 7 }, "$$x"])).toEqual([
      6,
      "abab",
      1_000,
      "$x",
    ]);
  });

  it("are refused when nobody knows what they are", () => {
    expect(() => names().value("$nobody")).toThrow(DialogueError);
    expect(() => names().value("counter/{nobody}")).toThrow(DialogueError);
    expect(() => names().value({ $nothing: 1 })).toThrow(DialogueError);
    expect(() => match([{ $nothing: 1 }], [1], names())).toThrow(DialogueError);
  });
});
