// Random JSON for property tests: nested, with the keys and texts that break naive code.
import type { Json } from "@tidemark/protocol";
import fc from "fast-check";

const awkwardKey = fc.constantFrom("", "a/b", "m~n", "~1", "0", "-", "constructor", "toString", "length", "é", "🌊");

/** Keys of all kinds but `__proto__`. */
export const key = fc.oneof(fc.string({ maxLength: 3 }), awkwardKey).filter((text) => text !== "__proto__");

/** Text of well-formed Unicode. */
export const text = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: "binary", maxLength: 40 }), awkwardKey);

/** Numbers that are their own JSON, so never `-0`. */
export const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
);

/** Values of any kind, nested a few levels. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;
