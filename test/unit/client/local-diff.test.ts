import { applyJsonPatch, type Json, jsonEquals } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isObject, localDiff } from "../../../clients/typescript/src/stream/local-diff.js";

// Few keys and values, so that two random values have much in common.
const keys = fc.constantFrom("a", "b", "constructor", "", "x/y", "~");
const value: fc.Arbitrary<Json> = fc.letrec<{ node: Json; array: Json[]; object: { [key: string]: Json } }>((tie) => ({
  node: fc.oneof({ depthSize: "small" }, fc.constantFrom(0, 1, "s", null, true, "", 2.5), tie("array"), tie("object")),
  array: fc.array(tie("node"), { maxLength: 6 }),
  object: fc.dictionary(keys, tie("node"), { maxKeys: 5 }),
})).node;

/** The same value in new objects, perhaps with some places changed. */
function mutated(json: Json, change: (json: Json) => Json): Json {
  if (Array.isArray(json)) return change(json.map((item) => mutated(item, change)));
  if (!isObject(json)) return change(json);
  return change(Object.fromEntries(Object.entries(json).map(([key, item]) => [key, mutated(item, change)])));
}

// Lists as applications keep them: each element has an identity, and lists differ in members, order and contents.
const card = fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), text: fc.constantFrom("", "x") });
const cards = fc.uniqueArray(card, { selector: ({ id }) => id, maxLength: 7 });

const pair = fc.oneof(
  fc.tuple(value, value),
  fc.tuple(cards, cards),
  fc.tuple(fc.array(fc.nat(3), { maxLength: 8 }), fc.array(fc.nat(3), { maxLength: 8 })),
  fc
    .tuple(value, fc.infiniteStream(fc.nat(9)), value)
    .map(([before, dice, other]): [Json, Json] => [
      before,
      mutated(before, (json) => (dice.next().value === 0 ? other : json)),
    ]),
);

function expectShared(before: Json, result: Json): void {
  if (jsonEquals(before, result)) {
    expect(result).toBe(before);
  } else if (Array.isArray(before) && Array.isArray(result)) {
    // As many of the equal elements as there can be are the same objects, wherever they stand.
    for (const item of result) {
      const same = (list: readonly Json[]): number => list.filter((one) => jsonEquals(one, item)).length;
      const shared = result.filter((one) => jsonEquals(one, item) && before.includes(one)).length;
      expect(shared).toBeGreaterThanOrEqual(Math.min(same(before), same(result)));
    }
  } else if (isObject(before) && isObject(result)) {
    for (const key of Object.keys(result)) {
      if (Object.hasOwn(before, key)) expectShared(before[key] ?? null, result[key] ?? null);
    }
  }
}

describe("local diff", () => {
  test("[SEQ-6] the patch leads from one to the other, and equal subtrees are the same objects", () => {
    fc.assert(
      fc.property(pair, ([before, after]) => {
        const kept = JSON.stringify(before);
        const { value: result, patch } = localDiff(before, after);
        expect(jsonEquals(result, after)).toBe(true);
        expect(jsonEquals(applyJsonPatch(before, patch), after)).toBe(true);
        expect(JSON.stringify(before)).toBe(kept);
        expectShared(before, result);
      }),
      { numRuns: 5_000 },
    );
  });

  test("[SEQ-6] an element that only moved is the same object, and one that changed keeps what it had", () => {
    const before = ["a", "b", "c", "d"].map((id) => ({ id, tags: [id] }));
    const [a, b, c, d] = before;
    const after = structuredClone([d, a, { ...b, done: true }, c]) as Json;
    const { value: result, patch } = localDiff(before, after);
    expect(result).toEqual(after);
    expect([0, 1, 3].map((index) => Reflect.get(Object(result), index))).toEqual([d, a, c]);
    expect(Object(result)[0]).toBe(d);
    expect(Object(result)[1]).toBe(a);
    expect(Object(result)[2].tags).toBe(b?.tags);
    expect(patch).toEqual([
      { op: "move", from: "/3", path: "/0" },
      { op: "add", path: "/2/done", value: true },
    ]);
  });

  test("one element sent to the other end costs one move, a shuffle of thousands one replacement", () => {
    const before = Array.from({ length: 3_000 }, (_, index) => ({ id: index }));
    const sent = structuredClone([...before.slice(1), ...before.slice(0, 1)]);
    expect(localDiff(before, sent).patch.length).toBe(1);
    const turned = structuredClone(before).reverse();
    const { value: result, patch } = localDiff(before, turned);
    expect(patch).toEqual([{ op: "replace", path: "", value: turned }]);
    expect(Object(result)[0]).toBe(before.at(-1));
  });

  test("an element added to or taken from a long array costs one operation", () => {
    const before = Array.from({ length: 100 }, (_, index) => ({ index }));
    const without = structuredClone(before.toSpliced(40, 1));
    expect(localDiff(before, without).patch).toEqual([{ op: "remove", path: "/40" }]);
    expect(localDiff(without, structuredClone(before)).patch).toEqual([
      { op: "add", path: "/40", value: { index: 40 } },
    ]);
    expect(localDiff(before, without)).toMatchObject({ value: expect.arrayContaining([before[99]]) });
  });
});
