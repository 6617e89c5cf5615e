// The cost of a write, counted: how often a transaction touches the live tree, on a small state and on a large one. The
// biome-ignore-all lint/suspicious/noAssignInExpressions: a handler of one assignment reads best as one.
// counts must be equal, since a write must not depend on what else there is.
import type { JsonObject } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { record } from "../../../../src/document/recorder/recorder.js";
import { LIMITS } from "./replay.js";

interface State {
  list: { n: number; text: string }[];
  numbers: number[];
  records: Record<string, { n: number; tags: string[] }>;
}

function stateOf(size: number): State {
  const rows = Array.from({ length: size }, (_, n) => ({ n, text: `text ${n}` }));
  const records = Object.fromEntries(rows.map(({ n }) => [`k${n}`, { n, tags: ["x"] }]));
  return { list: rows, numbers: rows.map(({ n }) => n), records };
}

/** The same tree behind proxies that count every touch of every node. */
function counted(value: unknown, count: { touches: number }): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const [key, item] of Object.entries(value)) Reflect.set(value, key, counted(item, count));
  const touch =
    (operation: (...parts: never[]) => unknown) =>
    (...parts: never[]): unknown => {
      count.touches += 1;
      return operation(...parts);
    };
  const traps = [
    "get",
    "set",
    "has",
    "deleteProperty",
    "ownKeys",
    "getOwnPropertyDescriptor",
    "defineProperty",
  ] as const;
  return new Proxy(
    value,
    Object.fromEntries(traps.map((name) => [name, touch(Reflect[name] as (...parts: never[]) => unknown)])),
  );
}

function touches(size: number, handler: (state: State, last: number) => void, end: "finish" | "rollback"): number {
  const count = { touches: 0 };
  const root = counted(stateOf(size), count) as JsonObject;
  const recording = record<State>(root, LIMITS);
  count.touches = 0;
  handler(recording.draft, size - 1);
  recording[end]();
  return count.touches;
}

const HANDLERS: [string, (state: State, last: number) => void][] = [
  ["one field of a record", (s) => void ((s.records.k3 as { n: number }).n = 1)],
  ["one field of the last element", (s, last) => void ((s.list[last] as { n: number }).n = -1)],
  ["a set of an index", (s, last) => void (s.numbers[last] = -1)],
  ["push", (s) => void s.list.push({ n: 1, text: "" })],
  ["pop", (s) => void s.list.pop()],
  ["a set at the length", (s, last) => void (s.numbers[last + 1] = 1)],
  ["a new record", (s) => void (s.records.fresh = { n: 1, tags: ["a", "b"] })],
  ["delete of a record", (s) => void delete s.records.k1],
  ["an append to a text", (s, last) => void ((s.list[last] as { text: string }).text += "more")],
  [
    "push and a write to what was pushed",
    (s) => void (s.list[s.list.push({ n: 1, text: "" }) - 1] as { n: number }).n++,
  ],
  [
    "a held reference after a shift near the end",
    (s, last) => {
      const held = s.list[last];
      s.list.splice(last - 1, 1);
      if (held !== undefined) held.n = 5;
    },
  ],
];

describe("[P11] a transaction touches as many nodes in a large state as in a small one", () => {
  it.each(HANDLERS)("%s", (_what, handler) => {
    for (const end of ["finish", "rollback"] as const) {
      const small = touches(10, handler, end);
      expect(small).toBeGreaterThan(0);
      expect(small).toBeLessThan(100);
      expect(touches(2_000, handler, end)).toBe(small);
    }
  });

  it("counts a whole array when the whole array is read", () => {
    expect(touches(1_000, (s) => void s.list.map(({ n }) => n), "finish")).toBeGreaterThan(1_000);
  });
});

describe("an array of 100,000 elements", () => {
  it("is never logged again by what changes one of them", () => {
    const root = { list: Array.from({ length: 100_000 }, (_, n) => n) };
    const recording = record<typeof root>(root, LIMITS);
    const { list } = recording.draft;
    list.push(1);
    list[5] = 6;
    list.shift();
    list.pop();
    expect(recording.finish().operations).toEqual([
      ["+", "/list/100000", 1],
      ["=", "/list/5", 6],
      ["-", "/list/0"],
      ["-", "/list/99999"],
    ]);
  });
});
