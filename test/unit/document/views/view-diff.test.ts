import { applyPatch, type Json, type PatchOperation } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { viewDiff } from "../../../../src/document/views/view-diff.js";
import { seededRandom } from "../../../support/virtual-runtime.js";

const applied = (before: Json, operations: readonly PatchOperation[]): Json =>
  operations.length === 0 ? before : applyPatch(before, operations);

const json = (fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>).filter(
  (value) => !JSON.stringify(value).includes("__proto__"),
);

/** A value made of another: parts of it kept as they are, moved, dropped, copied or changed. */
function mutated(value: Json, random: () => number): Json {
  const chance = random();
  if (chance < 0.15) return Math.floor(random() * 4);
  if (typeof value === "string") return chance < 0.6 ? `${value}x` : value;
  if (Array.isArray(value)) {
    const items = value
      .filter(() => random() < 0.8)
      .map((item: Json) => (random() < 0.3 ? mutated(item, random) : item));
    if (random() < 0.2) items.sort(() => random() - 0.5);
    if (random() < 0.4) items.splice(Math.floor(random() * (items.length + 1)), 0, { fresh: Math.floor(random() * 9) });
    return random() < 0.2 ? JSON.parse(JSON.stringify(items)) : items;
  }
  if (typeof value !== "object" || value === null) return chance < 0.5 ? value : String(value);
  const entries = Object.entries(value).filter(() => random() < 0.85);
  const changed = entries.map(([key, item]): [string, Json] => [
    key,
    random() < 0.4 ? mutated(item as Json, random) : (item as Json),
  ]);
  if (random() < 0.3) changed.push([["a", "b/c", "~", "0"][Math.floor(random() * 4)] ?? "a", { n: 1 }]);
  return Object.fromEntries(changed);
}

describe("the difference between two values of a view", () => {
  it("[R4] [VIEW-3] takes any value to any other", () => {
    fc.assert(
      fc.property(json, json, (before, wanted) => {
        const [from, to] = JSON.parse(JSON.stringify([before, wanted])) as [Json, Json];
        expect(applied(from, viewDiff(from, to))).toEqual(to);
      }),
      { numRuns: 500 },
    );
  });

  it("[R4] [VIEW-3] takes a value to one that shares, moves, drops and changes parts of it", () => {
    fc.assert(
      fc.property(fc.array(json, { maxLength: 12 }), fc.integer(), (items, seed) => {
        const random = seededRandom(seed);
        const before = JSON.parse(JSON.stringify({ items, table: { items } })) as Json;
        const wanted = mutated(mutated(before, random), random);
        expect(applied(before, viewDiff(before, wanted))).toEqual(JSON.parse(JSON.stringify(wanted)));
        expect(viewDiff(wanted, wanted)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("[VIEW-3] is one operation for one element that comes, goes or changes, whatever shifts", () => {
    const items = Array.from({ length: 100 }, (_, id) => ({ id, text: `text ${id}` }));
    const gone = items.filter(({ id }) => id !== 40);
    const come = items.toSpliced(40, 0, { id: 1_000, text: "new" });
    const changed = items.map((item) => (item.id === 40 ? { ...item, text: "text 40 and more" } : item));
    const copies = items.map((item) => ({ ...item })).filter(({ id }) => id !== 40 && id !== 41);
    expect(viewDiff(items, gone)).toEqual([["-", "/40"]]);
    expect(viewDiff(items, come)).toEqual([["+", "/40", { id: 1_000, text: "new" }]]);
    expect(viewDiff(items, changed)).toEqual([["~", "/40/text", " and more"]]);
    expect(viewDiff(items, copies)).toEqual([
      ["-", "/40"],
      ["-", "/40"],
    ]);
  });

  it("[VIEW-3] moves one element of a sorted list without touching the others", () => {
    const items = Array.from({ length: 50 }, (_, id) => ({ id }));
    const [first, ...rest] = items;
    expect(viewDiff(items, [...rest, first ?? null])).toEqual([
      ["-", "/0"],
      ["+", "/49", { id: 0 }],
    ]);
  });

  it("sends the whole when that is shorter", () => {
    const many = Array.from({ length: 200 }, (_, id) => id);
    expect(viewDiff({ many }, { many: many.map((id) => id + 1_000) })).toEqual([
      ["=", "/many", many.map((id) => id + 1_000)],
    ]);
  });
});
