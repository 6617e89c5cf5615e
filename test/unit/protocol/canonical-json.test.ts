import { canonicalJson, type Json, jsonEquals } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { json } from "./arbitrary-json.js";

/** The same value, each object's members written in another order. */
function reordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reordered(member)]),
  );
}

describe("canonical JSON", () => {
  test("is the text of RFC 8785, section 3.2.2", () => {
    const value: Json = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("sorts members as RFC 8785, section 3.2.3, by UTF-16 code units", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
    const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
    expect(Object.keys(JSON.parse(text)).filter((name) => name !== "1")).toEqual([
      "\r",
      "\u0080",
      "\u00f6",
      "\u20ac",
      "\u{1f600}",
      "\ufb33",
    ]);
  });

  test("[FRAME-2] equal values have one text, others have another, and it reads as what was written", () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const text = canonicalJson(one);
        expect(canonicalJson(reordered(one))).toBe(text);
        expect(jsonEquals(JSON.parse(text), one)).toBe(true);
        expect(canonicalJson(other) === text).toBe(jsonEquals(one, other));
      }),
      { numRuns: 2_000 },
    );
  });
});
