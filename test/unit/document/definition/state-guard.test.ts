// What the compiled state asks the recorder to check, place by place.
import type { Json } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { compileState } from "../../../../src/document/definition/state/compiled-state.js";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";

const Leaf = z.object({ text: z.string(), n: z.number().optional() });
const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree);
  },
});

const state = compileState(
  z.object({
    plain: z.object({ list: z.array(Leaf), byId: z.record(z.string(), Leaf) }),
    bounded: z.array(Leaf).max(2),
    union: z.union([Leaf, z.array(z.string())]),
    orNothing: z.union([Leaf, z.null(), z.string()]),
    tagged: z.record(
      z.string(),
      z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("a"), v: z.object({ x: z.number() }) }),
        z.object({ kind: z.literal("b"), v: z.object({ x: z.string() }) }),
      ]),
    ),
    both: z.intersection(z.object({ a: z.number() }), z.object({ b: z.object({ c: z.number() }) })),
    refined: z.object({ from: z.number(), to: z.number() }).refine(({ from, to }) => from <= to, "from <= to"),
    tuple: z.tuple([z.string(), z.object({ x: z.number() })]),
    wrapped: z.lazy(() => Leaf.readonly().nullable().optional()),
    weekdays: z.record(z.enum(["mon", "tue"]), z.number()),
    short: z.record(z.string().max(3), z.number()),
    loose: z.looseObject({ a: z.number() }),
    rest: z.object({ a: z.string() }).catchall(z.number()),
    any: z.any(),
    described: Leaf.describe("words").meta({ title: "Leaf" }),
    tree,
    piped: z.object({ n: z.number().pipe(z.number().max(3)) }),
    xor: z.xor([z.object({ a: z.number() }), z.object({ b: z.number() })]),
    minimal: mini.object({ list: mini.array(mini.string()).check(mini.minLength(1)) }),
  }),
);

const tokens = (pointer: string): string[] => (pointer === "" ? [] : pointer.slice(1).split("/"));

function message(check: () => void): string | undefined {
  try {
    check();
  } catch (error) {
    if (error instanceof InvalidStateError) return error.message;
    throw error;
  }
  return undefined;
}

describe("coverWrite: how much is checked", () => {
  const cases: readonly [pointer: string, depth: number][] = [
    ["/plain", 1],
    ["/plain/list/3", 3],
    ["/plain/list/3/text", 4],
    ["/plain/byId/k/text", 4],
    ["/bounded", 1],
    ["/bounded/0", 1],
    ["/bounded/0/text", 3],
    ["/union", 1],
    ["/union/text", 1],
    ["/union/0", 1],
    ["/orNothing/text", 2],
    ["/tagged/k", 2],
    ["/tagged/k/kind", 2],
    ["/tagged/k/v/x", 2],
    ["/both/b/c", 1],
    ["/refined", 1],
    ["/refined/from", 1],
    ["/tuple/0", 1],
    ["/tuple/1/x", 1],
    ["/wrapped/text", 2],
    ["/weekdays/mon", 2],
    ["/any/deep/down", 3],
    ["/described/text", 2],
    ["/tree/children/0/children/1/name", 6],
    ["/piped/n", 2],
    ["/xor/a", 1],
    ["/minimal/list/0", 2],
  ];
  it.each(cases)("%s is checked at depth %i", (pointer, depth) => {
    expect(state.coverWrite(tokens(pointer)).depth).toBe(depth);
  });

  it("a refinement at the root asks for the whole state", () => {
    const whole = compileState(z.object({ a: z.union([Leaf, z.array(z.string())]) }).refine(() => true));
    expect(whole.coverWrite(["a", "text"]).depth).toBe(0);
    expect(whole.coverRemoval(["a", "n"])?.depth).toBe(0);
  });

  it("asks again for the same check, so that a recorder can run it once", () => {
    const [first, second] = [state.coverWrite(["refined", "from"]), state.coverWrite(["refined", "to"])];
    expect(first).toBe(second);
    const here = state.coverWrite(tokens("/tree/children/0/name"));
    expect(state.coverWrite(tokens("/tree/children/7/name"))).toBe(here);
  });
});

describe("coverWrite: what fits", () => {
  const cases: readonly [pointer: string, value: Json, problem: string | undefined][] = [
    ["/plain/list/0", { text: "a" }, undefined],
    ["/plain/list/0", { text: 1 }, "/text: expected string, received number"],
    ["/plain/list/0", { n: 1 }, "/text: expected a value, received nothing"],
    ["/plain/list/0", { text: "a", more: 1 }, "/more: expected no such key, received number"],
    ["/plain/list/0/text", 4, "expected string, received number"],
    ["/plain/list/0/m~ore", 4, "expected no such key, received number"],
    ["/plain/list/0/text/deeper", 4, "expected nothing below a scalar, received number"],
    ["/plain/list", [{ text: "" }, { text: "", n: null }], "/1/n: expected number, received null"],
    ["/plain/byId", { "a/b": 1 }, "/a~1b: expected object, received number"],
    ["/bounded/0", [{ text: "" }, { text: "" }], undefined],
    ["/bounded/0", [{ text: "" }, { text: "" }, { text: "" }], "expected array <= 2, received array"],
    ["/union", { text: "" }, undefined],
    ["/union", ["a"], undefined],
    ["/union", [1], "expected one of the union's options, received array"],
    ["/orNothing", null, undefined],
    ["/tagged/k", { kind: "a", v: { x: 1 } }, undefined],
    ["/tagged/k", { kind: "a", v: { x: "1" } }, "/v/x: expected number, received string"],
    ["/tagged/k", { kind: "c" }, "expected one of the union's options, received object"],
    ["/both", { a: 1, b: { c: 1 } }, undefined],
    ["/both", { a: 1, b: { c: "1" } }, "/b/c: expected number, received object"],
    ["/both", { a: 1, b: { c: 1 }, d: 1 }, "expected only keys that one side has, received object"],
    ["/refined", { from: 1, to: 2 }, undefined],
    ["/refined", { from: 3, to: 2 }, "expected from <= to, received object"],
    ["/tuple", ["a", { x: 1 }], undefined],
    ["/tuple", ["a"], "expected at least 2 items, received array"],
    ["/tuple", ["a", { x: 1 }, 1], "/2: expected no such key, received number"],
    ["/wrapped", null, undefined],
    ["/weekdays", { mon: 1, tue: 2 }, undefined],
    ["/weekdays", { mon: 1 }, "/tue: expected a value, received nothing"],
    ["/weekdays/wed", 1, "expected no such key, received number"],
    ["/short/abc", 1, undefined],
    ["/short/abcd", 1, "expected no such key, received number"],
    ["/loose", { a: 1, other: [null] }, undefined],
    ["/loose/other", { deep: 1 }, undefined],
    ["/rest/b", 1, undefined],
    ["/rest/b", "1", "expected number, received string"],
    ["/any", { deep: [1, "a", null] }, undefined],
    ["/piped/n", 4, "expected number <= 3, received number"],
    ["/xor/a", { a: 1 }, undefined],
    ["/minimal/list", [], "expected array >= 1, received array"],
    [
      "/tree/children/0",
      { name: "b", children: [{ name: 1, children: [] }] },
      "/children/0/name: expected string, received number",
    ],
  ];
  it.each(cases)("%s = %j", (pointer, value, problem) => {
    expect(message(() => state.coverWrite(tokens(pointer)).check(value))).toBe(problem);
  });
});

describe("coverRemoval", () => {
  const cases: readonly [pointer: string, depth: number | undefined][] = [
    ["/plain/list/0", undefined],
    ["/plain/list/0/n", undefined],
    ["/plain/list/0/text", 3],
    ["/plain/byId/k", undefined],
    ["/bounded/0", 1],
    ["/bounded/0/n", undefined],
    ["/bounded/0/text", 2],
    ["/union/n", 1],
    ["/orNothing/n", undefined],
    ["/orNothing/text", 1],
    ["/tuple/0", 1],
    ["/weekdays/mon", 1],
    ["/short/abc", undefined],
    ["/any/deep/down", undefined],
    ["/wrapped", undefined],
    ["/wrapped/text", 1],
    ["/loose/other", undefined],
    ["/loose/a", 1],
  ];
  it.each(cases)("%s is checked at depth %s", (pointer, depth) => {
    expect(state.coverRemoval(tokens(pointer))?.depth).toBe(depth);
  });

  it("a required key must be there again when the handler returns", () => {
    const cover = state.coverRemoval(tokens("/plain/list/0/text"));
    expect(message(() => cover?.check({ n: 1 }))).toBe("/text: expected a value, received nothing");
    expect(message(() => cover?.check({ text: "back" }))).toBeUndefined();
  });
});

describe("checkWhole", () => {
  it("names the first place that does not fit, and takes state nodes without a prototype", () => {
    const small = compileState(z.object({ a: z.record(z.string(), z.number()) }));
    const node = Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { constructor: 1 }) });
    expect(message(() => small.checkWhole(node))).toBeUndefined();
    expect(message(() => small.checkWhole({ a: { k: "1" } }))).toBe("/a/k: expected number, received string");
    expect(message(() => small.checkWhole({}))).toBe("/a: expected a value, received nothing");
    expect(message(() => small.checkWhole([]))).toBe("expected object, received array");
  });

  it("refuses a value that its check would change, though zod takes it", () => {
    const link = compileState(z.object({ link: z.url() }));
    expect(message(() => link.checkWhole({ link: "https://a.example/" }))).toBeUndefined();
    expect(message(() => link.checkWhole({ link: " https://a.example/ " }))).toContain("leaves unchanged");
    const sneaky = z.object({ a: z.number() }).check((ctx) => {
      ctx.value = { a: 2 };
    });
    expect(message(() => compileState(sneaky).checkWhole({ a: 1 }))).toContain("leaves unchanged");
  });

  it("takes the option that fits as it is, where zod would take an earlier one and strip", () => {
    const overlapping = compileState(
      z.object({ o: z.union([z.object({ a: z.number() }), Leaf.extend({ a: z.number() })]) }),
    );
    expect(message(() => overlapping.checkWhole({ o: { a: 1, text: "kept" } }))).toBeUndefined();
  });

  it("an exclusive union takes what fits exactly one option", () => {
    const either = [z.looseObject({ a: z.number() }), z.looseObject({ b: z.number() })] as const;
    const exclusive = compileState(z.object({ o: z.xor(either) }));
    expect(message(() => exclusive.checkWhole({ o: { a: 1 } }))).toBeUndefined();
    expect(message(() => exclusive.checkWhole({ o: { a: 1, b: 1 } }))).toContain("one of the union's options");
  });

  it("a numeric key must be written as numbers are", () => {
    const numbered = compileState(z.object({ r: z.record(z.number(), z.string()) }));
    expect(message(() => numbered.checkWhole({ r: { "1": "a", "2.5": "b" } }))).toBeUndefined();
    expect(message(() => numbered.checkWhole({ r: { "01": "a" } }))).toBe(
      "/r/01: expected no such key, received string",
    );
    expect(message(() => numbered.checkWhole({ r: { x: "a" } }))).toBe("/r/x: expected no such key, received string");
  });
});

describe("refinements are application code", () => {
  it("cannot write to the state or keep it", () => {
    const kept: object[] = [];
    const schema = z.object({ list: z.array(z.number()) }).refine((value) => {
      kept.push(value.list);
      value.list.push(9);
      return true;
    });
    const value = { list: [1] };
    compileState(schema).checkWhole(value);
    expect(value).toEqual({ list: [1] });
    expect(kept[0]).not.toBe(value.list);
  });

  it("readonly() in a schema does not freeze the state", () => {
    const value = { deep: { a: 1 } };
    compileState(z.object({ deep: z.any().readonly() }).readonly()).checkWhole(value);
    expect(Object.isFrozen(value) || Object.isFrozen(value.deep)).toBe(false);
  });

  it("[R19] one that returns a rejecting promise is refused without an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const schema = z.object({ a: z.number() }).refine(() => Promise.reject(new Error("late")));
    expect(() => compileState(schema).checkWhole({ a: 1 })).toThrow("returns a promise");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});
