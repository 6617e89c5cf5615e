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

const pair = fc.oneof(
  fc.tuple(value, value),
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
