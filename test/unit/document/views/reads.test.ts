import type { JsonObject, PatchOperation } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frozenTree, treeAfter } from "../../../../src/document/views/frozen-tree.js";
import { ReadIndex } from "../../../../src/document/views/read-index.js";
import { Reads, tracked } from "../../../../src/document/views/reads.js";
import { shownValue } from "../../../../src/document/views/shown-value.js";

interface State {
  readonly cards: Readonly<Record<string, { readonly n: number }>>;
  readonly list: readonly number[];
  readonly flag?: boolean;
}

const TREE = frozenTree({ cards: { a: { n: 1 }, b: { n: 2 } }, list: [1, 2], flag: true });

/** Functions that look at a state in every way there is. */
const LOOKS: Readonly<Record<string, (state: State) => unknown>> = {
  one: ({ cards }) => cards["a"]?.n ?? null,
  absent: ({ cards }) => cards["z"] ?? null,
  has: ({ cards }) => "b" in cards,
  keys: ({ cards }) => Object.keys(cards).length,
  values: ({ cards }) => Object.values(cards).map(({ n }) => n),
  part: ({ cards }) => ({ cards }),
  list: ({ list }) => list.filter((n) => n > 1),
  length: ({ list }) => list.length,
  flag: (state) => state.flag ?? null,
  parts: (state) => Object.keys(state).sort(),
  hasPart: (state) => "flag" in state,
  rest: ({ cards: _cards, ...rest }) => rest,
  json: ({ cards }) => JSON.stringify(cards),
  own: (state) => Object.getOwnPropertyDescriptor(state.cards, "a")?.value ?? null,
  all: (state) => state,
  none: () => 1,
};

const OPERATIONS: readonly PatchOperation[] = [
  ["=", "/cards/a/n", 9],
  ["+", "/cards/z", { n: 3 }],
  ["-", "/cards/b"],
  ["=", "/cards", { q: { n: 1 } }],
  ["+", "/list/0", 7],
  ["=", "/list/1", 8],
  ["-", "/flag"],
  ["=", "/flag", false],
  ["+", "/other", {}],
  [">", "/cards/a", "/cards/c"],
];

const look = (name: string, tree: JsonObject): { readonly text: string; readonly reads: Reads } => {
  const reads = new Reads();
  const made: unknown = LOOKS[name]?.(tracked(tree, reads) as State);
  return { text: JSON.stringify(shownValue(made)), reads };
};

describe("what was read", () => {
  it("[VIEW-3] is touched by every write that changes what the code makes of the state", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(LOOKS)), fc.constantFrom(...OPERATIONS), (name, operation) => {
        const before = look(name, TREE);
        const index = new ReadIndex<string>();
        index.set(name, before.reads);
        const after = look(name, treeAfter(TREE, [operation]));
        if (after.text !== before.text) expect([...index.touchedBy([operation])]).toEqual([name]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("[VIEW-3] is not touched by writes beside it", () => {
    const untouched = (name: string, operation: PatchOperation): boolean => {
      const index = new ReadIndex<string>();
      index.set(name, look(name, TREE).reads);
      return index.touchedBy([operation]).size === 0;
    };
    expect(untouched("one", ["=", "/cards/b/n", 1])).toBe(true);
    expect(untouched("one", ["+", "/cards/c", { n: 1 }])).toBe(true);
    expect(untouched("one", ["=", "/list/0", 1])).toBe(true);
    expect(untouched("list", ["=", "/cards/b/n", 1])).toBe(true);
    expect(untouched("flag", ["=", "/cards", {}])).toBe(true);
    expect(untouched("none", ["-", "/flag"])).toBe(true);
    expect(untouched("hasPart", ["=", "/cards/b/n", 1])).toBe(true);
  });

  it("forgets a reader and what it had read", () => {
    const index = new ReadIndex<string>();
    index.set("x", look("one", TREE).reads);
    index.set("x", look("flag", TREE).reads);
    expect(index.touchedBy([["=", "/cards/a/n", 1]]).size).toBe(0);
    index.delete("x");
    expect(index.touchedBy([["=", "/flag", false]]).size).toBe(0);
  });

  it("[R19] is read-only, inherits nothing, and counts as a whole past many keys", () => {
    const state = tracked(TREE, new Reads()) as { cards: Record<string, { n: number } | undefined>; list: number[] };
    expect(() => {
      state.cards = {};
    }).toThrow(TypeError);
    expect(() => {
      state.cards["a"] = { n: 2 };
    }).toThrow(TypeError);
    expect(() => {
      delete state.cards["a"];
    }).toThrow(TypeError);
    const card = state.cards["a"];
    expect(() => {
      if (card !== undefined) card.n = 2;
    }).toThrow(TypeError);
    expect(() => state.list.push(1)).toThrow(TypeError);
    expect(state.cards["constructor"]).toBeUndefined();
    expect("toString" in state.cards).toBe(false);
    const reads = new Reads();
    const many = tracked(TREE, reads) as { cards: Record<string, unknown> };
    for (let key = 0; key < 100; key += 1) void many.cards[`k${key}`];
    expect(reads.parts.get("cards")).toBe("whole");
  });
});

describe("what a view returned", () => {
  it("[R19] is refused when it is no JSON", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const bad = [undefined, Number.NaN, 1n, () => 1, Symbol("x"), new Date(0), new Map(), [undefined], loop];
    for (const value of bad) expect(() => shownValue(value)).toThrow(TypeError);
    expect(() => shownValue(JSON.parse('{"__proto__": 1}'))).toThrow(TypeError);
  });

  it("keeps parts of the state as they are, and nothing that its author could still change", () => {
    const tree = frozenTree({ a: { x: { n: 1 } } });
    const state = tracked(tree, new Reads()) as { readonly a: { readonly x: object } };
    const own = { x: state.a.x, a: state.a, list: [1], gone: undefined };
    const value = shownValue(own) as { x: object; a: object; list: number[] };
    own.list.push(2);
    expect(JSON.parse(JSON.stringify(value))).toEqual({ x: { n: 1 }, a: { x: { n: 1 } }, list: [1] });
    expect(value.a).toBe(tree["a"]);
    expect(value.x).toBe((tree["a"] as JsonObject)["x"]);
    expect(Object.isFrozen(value.list)).toBe(true);
    expect(shownValue(-0)).toBe(0);
    expect(shownValue("a\ud800")).toBe("a\ufffd");
  });
});
