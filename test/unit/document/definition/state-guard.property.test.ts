// For random schemas, states and writes, what the guard says of one write is what a full validation says of the result.
import type { Json, JsonObject } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileState } from "../../../../src/document/definition/state/compiled-state.js";
import { InvalidStateError } from "../../../../src/document/recorder/invalid-state.js";
import { type Grown, grownState } from "./state-grammar.js";

const seed = Number(process.env.TIDEMARK_SEED ?? Date.now() % 1_000_000_000);
const numRuns = Number(process.env.TIDEMARK_RUNS ?? 3_000);

type Write = {
  readonly kind: "set" | "insert" | "remove";
  readonly where: number;
  readonly key: string;
  readonly value: Json;
};

const anyJson: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>("", "p", "qq", 0, 1, 7, -1.5, true, null, "one", {}, [], ["p"], [1], { a: 1 }),
  fc.constantFrom<Json>({ kind: "l", a: 1 }, { kind: "r", a: "p" }, { kind: "x" }, { a: 1, b: "p", c: true }),
);

const writes = fc.record({
  kind: fc.constantFrom("set" as const, "insert" as const, "remove" as const),
  where: fc.nat(50),
  key: fc.constantFrom("a", "b", "c", "kind", "x/y", "~", "", "zz"),
  value: anyJson,
});

/** A schema with a state and a write whose value often comes from the state itself, so that it often fits. */
const cases = grownState(4).chain((grown: Grown) =>
  fc.record({ grown: fc.constant(grown), state: grown.value, write: writes, donor: grown.value, borrow: fc.boolean() }),
);

function verdict(check: () => void): "fits" | "refused" {
  try {
    check();
    return "fits";
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidStateError);
    return "refused";
  }
}

type Container = { [key: string]: Json } | Json[];

function containers(value: Json, path: readonly string[] = []): { path: readonly string[]; node: Container }[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.entries(value).flatMap(([key, item]) => containers(item, [...path, key]));
  return [{ path, node: value as Container }, ...below];
}

function at(root: Json, path: readonly string[]): Json {
  return path.reduce<Json>((node, key) => (node as JsonObject)[key] ?? null, root);
}

/** Applies the write in place; tells the path that a recorder would name and whether something was removed. */
function apply(state: Json, write: Write): { path: readonly string[]; removed: boolean } | undefined {
  const places = containers(state);
  const place = places[write.where % places.length];
  if (place === undefined) return undefined;
  const { node, path } = place;
  if (Array.isArray(node)) {
    const index = write.where % (node.length + 1);
    if (write.kind === "remove") {
      if (index >= node.length) return undefined;
      node.splice(index, 1);
      return { path: [...path, String(index)], removed: true };
    }
    node.splice(index, write.kind === "insert" ? 0 : 1, write.value);
    return { path: [...path, String(index)], removed: false };
  }
  const keys = Object.keys(node);
  const key = write.where % 3 === 0 ? write.key : (keys[write.where % Math.max(1, keys.length)] ?? write.key);
  if (write.kind === "remove") {
    if (!Object.hasOwn(node, key)) return undefined;
    delete node[key];
    return { path: [...path, key], removed: true };
  }
  node[key] = write.value;
  return { path: [...path, key], removed: false };
}

describe("CompiledState against zod with strict objects", () => {
  it(`a write is refused exactly when the whole state would be [seed ${seed}]`, () => {
    let [fits, refused, deferred] = [0, 0, 0];
    fc.assert(
      fc.property(cases, ({ grown, state, write, donor, borrow }) => {
        fc.pre(grown.strict.safeParse(state).success);
        const compiled = compileState(grown.schema);
        const result: Json = structuredClone(state);
        const loan = borrow ? containers(donor)[write.where % containers(donor).length] : undefined;
        const applied = apply(result, loan === undefined ? write : { ...write, value: structuredClone(loan.node) });
        fc.pre(applied !== undefined);
        const cover = applied.removed ? compiled.coverRemoval(applied.path) : compiled.coverWrite(applied.path);
        const guarded = verdict(() => cover?.check(at(result, applied.path.slice(0, cover.depth))));
        const full = grown.strict.safeParse(result).success ? "fits" : "refused";
        expect(guarded).toBe(full);
        expect(verdict(() => compiled.checkWhole(result))).toBe(full);
        if (full === "fits") fits += 1;
        else refused += 1;
        if (cover !== undefined && cover.depth < applied.path.length) deferred += 1;
      }),
      { seed, numRuns },
    );
    // The property says little unless it has met all of these often.
    expect(Math.min(fits, refused, deferred)).toBeGreaterThan(numRuns / 20);
  });

  it(`states that fit their schema fit as a whole, with and without prototypes [seed ${seed}]`, () => {
    fc.assert(
      fc.property(
        grownState(4).chain((grown) => fc.tuple(fc.constant(grown), grown.value)),
        ([grown, state]) => {
          const expected = grown.strict.safeParse(state).success ? "fits" : "refused";
          const compiled = compileState(grown.schema);
          expect(verdict(() => compiled.checkWhole(state))).toBe(expected);
          expect(verdict(() => compiled.checkWhole(bare(state)))).toBe(expected);
        },
      ),
      { seed, numRuns: numRuns / 4 },
    );
  });
});

/** The same value as state nodes are: objects without a prototype. */
function bare(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(bare);
  const copy: { [key: string]: Json } = Object.create(null);
  for (const [key, item] of Object.entries(value)) copy[key] = bare(item);
  return copy;
}
