// Random state schemas of a small grammar with values that fit them, for property tests. Each comes twice: as an author
// writes it, and with strict objects, which is what zod alone would need to say to refuse unknown keys.
import type { Json } from "@tidemark/protocol";
import fc from "fast-check";
import { z } from "zod";

/** A schema, its oracle, and values that fit both. */
export interface Grown {
  readonly schema: z.ZodType;
  readonly strict: z.ZodType;
  readonly value: fc.Arbitrary<Json>;
}

type Make = (pick: (grown: Grown) => z.ZodType) => z.ZodType;

const key = fc.constantFrom("a", "b", "c", "x/y", "~", "");

function both(make: Make, value: fc.Arbitrary<Json>): Grown {
  return { schema: make((it) => it.schema), strict: make((it) => it.strict), value };
}

const scalars: readonly Grown[] = [
  both(() => z.string(), fc.constantFrom("", "p", "q")),
  both(() => z.string().min(1), fc.constantFrom("p", "qq")),
  both(() => z.number(), fc.constantFrom(0, 1, -1.5)),
  both(() => z.number().int().positive(), fc.constantFrom(1, 7)),
  both(() => z.boolean(), fc.boolean()),
  both(() => z.null(), fc.constant(null)),
  both(() => z.enum(["p", "q"]), fc.constantFrom("p", "q")),
  both(() => z.literal([1, "one"]), fc.constantFrom(1, "one")),
  both(() => z.any(), fc.constantFrom<Json>(1, { a: [1] }, null)),
];

type Fields = readonly (readonly [string, Grown])[];

function object(fields: Fields, wrap: (schema: z.ZodObject) => z.ZodType): Grown {
  const shape = (pick: (grown: Grown) => z.ZodType) => Object.fromEntries(fields.map(([name, it]) => [name, pick(it)]));
  return {
    schema: wrap(z.object(shape((it) => it.schema))),
    strict: wrap(z.strictObject(shape((it) => it.strict))),
    value: fc.record(Object.fromEntries(fields.map(([name, it]) => [name, it.value]))),
  };
}

function tagged(left: Grown, right: Grown): Grown {
  const option = (kind: string, it: Grown) => ({
    schema: z.object({ kind: z.literal(kind), a: it.schema }),
    strict: z.strictObject({ kind: z.literal(kind), a: it.strict }),
    value: fc.record({ kind: fc.constant(kind), a: it.value }),
  });
  const [l, r] = [option("l", left), option("r", right)];
  return {
    schema: z.discriminatedUnion("kind", [l.schema, r.schema]),
    strict: z.discriminatedUnion("kind", [l.strict, r.strict]),
    value: fc.oneof(l.value, r.value),
  };
}

const wraps: readonly ((schema: z.ZodObject) => z.ZodType)[] = [
  (it) => it,
  (it) => it.strict(),
  (it) => it.loose(),
  (it) => it.catchall(z.number()),
  (it) => it.partial(),
  (it) => it.refine((value) => Object.keys(value).length !== 2, "not 2 keys"),
];

function objects(inner: fc.Arbitrary<Grown>, least: number): fc.Arbitrary<Grown> {
  const fields = fc.uniqueArray(fc.tuple(key, inner), { minLength: least, maxLength: 3, selector: ([name]) => name });
  return fc.tuple(fields, fc.constantFrom(...wraps)).map(([list, wrap]) => object(list, wrap));
}

const wrappers: readonly ((it: Grown) => Grown)[] = [
  (it) => both((pick) => z.record(z.string(), pick(it)), fc.dictionary(key, it.value, { maxKeys: 3 })),
  (it) => both((pick) => z.record(z.string().max(1), pick(it)), fc.dictionary(fc.constantFrom("a", ""), it.value)),
  (it) => both((pick) => z.record(z.enum(["a", "b"]), pick(it)), fc.record({ a: it.value, b: it.value })),
  (it) => both((pick) => z.partialRecord(z.enum(["a", "b"]), pick(it)), fc.record({ a: it.value })),
  (it) => both((pick) => z.array(pick(it)), fc.array(it.value, { maxLength: 3 })),
  (it) => both((pick) => z.array(pick(it)).min(1).max(3), fc.array(it.value, { minLength: 1, maxLength: 3 })),
  (it) => both((pick) => pick(it).nullable(), fc.option(it.value)),
  (it) => both((pick) => z.union([pick(it), z.string()]), fc.oneof(it.value, fc.constant("p"))),
  (it) => both((pick) => z.lazy(() => pick(it)), it.value),
  (it) => both((pick) => pick(it).readonly(), it.value),
  (it) => both((pick) => pick(it).describe("words"), it.value),
  (it) => both((pick) => z.tuple([pick(it), z.number().optional()]), fc.tuple(it.value)),
  (it) => both((pick) => z.tuple([z.string()], pick(it)), fc.tuple(fc.constant("p"), it.value)),
];

/** Schemas up to `depth` levels of nesting. */
function grown(depth: number): fc.Arbitrary<Grown> {
  const scalar = fc.constantFrom(...scalars);
  if (depth === 0) return scalar;
  const inner = grown(depth - 1);
  const two = fc.tuple(inner, inner);
  return fc.oneof(
    { weight: 1, arbitrary: scalar },
    { weight: 3, arbitrary: objects(inner, 0) },
    { weight: 6, arbitrary: fc.tuple(inner, fc.constantFrom(...wrappers)).map(([it, wrap]) => wrap(it)) },
    { weight: 1, arbitrary: two.map(([a, b]) => tagged(a, b)) },
    {
      weight: 2,
      arbitrary: two.map(([a, b]) => both((pick) => z.union([pick(a), pick(b)]), fc.oneof(a.value, b.value))),
    },
  );
}

/** Object schemas, as the root of a state must be. */
export function grownState(depth: number): fc.Arbitrary<Grown> {
  return objects(grown(depth - 1), 1);
}
