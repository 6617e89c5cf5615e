// The patch applier against an independent one on thousands of random patches, and what no patch may do.
import {
  applyJsonPatch,
  applyPatch,
  escapeToken,
  formatPointer,
  type Json,
  type JsonPatchOperation,
  jsonEquals,
  PatchError,
  type PatchOperation,
  parsePointer,
  toJsonPatch,
} from "@tidemark/protocol";
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import { describe, expect, test, vi } from "vitest";
import { json, key, text } from "./arbitrary-json.js";

/** Chooses by numbers, so that a failing case can be shrunk. */
type Dice = () => number;

const dice = (numbers: readonly number[]): Dice => {
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
};

/** Every path of a document, the root included. */
function paths(value: Json, at: readonly string[] = []): string[][] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [[...at], ...below.flatMap(([name, item]: [string, Json]) => paths(item, [...at, name]))];
}

function read(document: Json, path: readonly string[]): Json {
  return path.reduce<Json>((value, token) => Reflect.get(Object(value), token), document);
}

function pick<T>(items: readonly T[], roll: Dice): T | undefined {
  return items[roll() % items.length];
}

/** A place where something may be added: a new or existing key, an index up to the length, or `-`. */
function place(document: Json, roll: Dice, name: string): string[] {
  const holders = paths(document).filter(
    (path) => typeof read(document, path) === "object" && read(document, path) !== null,
  );
  const holder = pick(holders, roll) ?? [];
  const value = read(document, holder);
  if (!Array.isArray(value)) return holders.length === 0 ? [] : [...holder, name];
  return [...holder, roll() % 3 === 0 ? "-" : String(roll() % (value.length + 1))];
}

/** One operation that applies to the document; undefined when the dice found none. */
function operation(
  document: Json,
  roll: Dice,
  part: { value: Json; name: string; suffix: string },
): PatchOperation | undefined {
  const all = paths(document);
  const inside = all.filter((path) => path.length > 0);
  const target = pick(inside, roll);
  const texts = all.filter((path) => typeof read(document, path) === "string");
  switch (roll() % 6) {
    case 0:
      return ["+", formatPointer(place(document, roll, part.name)), part.value];
    case 1:
      return target && ["-", formatPointer(target)];
    case 2:
      return ["=", formatPointer(pick(all, roll) ?? []), part.value];
    case 3: {
      const chosen = pick(texts, roll);
      return chosen && ["~", formatPointer(chosen), part.suffix];
    }
    default: {
      if (target === undefined) return undefined;
      const from = formatPointer(target);
      const to = formatPointer(place(applyPatch(document, [["-", from]]), roll, part.name));
      // RFC 6902 forbids it even where, after the removal, another item stands at that index.
      return to.startsWith(`${from}/`) ? undefined : [">", from, to];
    }
  }
}

interface Case {
  readonly document: Json;
  readonly patch: readonly PatchOperation[];
}

const container = fc.oneof(
  fc.array(json, { maxLength: 6 }),
  fc.dictionary(key, json, { maxKeys: 6, noNullPrototype: true }),
);
const step = fc.record({
  numbers: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
  value: json,
  name: key,
  suffix: text,
});

const validPatch: fc.Arbitrary<Case> = fc
  .tuple(container, fc.array(step, { minLength: 1, maxLength: 10 }))
  .map(([document, steps]) => {
    const patch: PatchOperation[] = [];
    let now: Json = document;
    for (const { numbers, ...part } of steps) {
      const next = operation(now, dice(numbers), part);
      if (next === undefined) continue;
      patch.push(next);
      now = applyPatch(now, [next]);
    }
    return { document, patch };
  });

/** The nodes that no operation can have written to: those not on the way to any path of the patch, nor moved by it. */
function untouched(before: Json, after: Json, touched: readonly string[], at = ""): [Json, Json][] {
  if (touched.some((path) => at.startsWith(`${path}/`) || at === path)) return [];
  if (typeof before !== "object" || before === null) return [];
  if (!touched.some((path) => path.startsWith(`${at}/`))) return [[before, after]];
  if (Array.isArray(before)) return [];
  return Object.entries(before).flatMap(([name, item]: [string, Json]) =>
    untouched(item, Reflect.get(Object(after), name), touched, `${at}/${escapeToken(name)}`),
  );
}

/**
 * The independent applier. It is given a move as a removal and an addition, because it looks for the target of a move
 * before the removal, where RFC 6902 has it after.
 */
function oracle(document: Json, patch: readonly JsonPatchOperation[]): Json {
  let now = structuredClone(document);
  const apply = (step: JsonPatchOperation) => {
    now = fastJsonPatch.applyPatch(now, structuredClone([step]) as never).newDocument as Json;
  };
  for (const step of patch) {
    if (step.op !== "move") {
      apply(step);
    } else if (step.from !== step.path) {
      const value = structuredClone(read(now, parsePointer(step.from)));
      apply({ op: "remove", path: step.from });
      apply({ op: "add", path: step.path, value });
    }
  }
  return now;
}

const freeze = (value: Json): Json => {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
};

describe("random patches", () => {
  test("[PATCH-1] [PATCH-5] agree with fast-json-patch and leave their input alone", () => {
    let operations = 0;
    fc.assert(
      fc.property(validPatch, ({ document, patch }) => {
        const standard = toJsonPatch(document, patch);
        const expected = oracle(document, standard);
        freeze(document);
        freeze(patch as unknown as Json);
        const result = applyPatch(document, patch);
        expect(result).toEqual(expected);
        expect(applyJsonPatch(document, standard)).toEqual(expected);
        operations += patch.length;
      }),
      { numRuns: 2_000 },
    );
    expect(operations).toBeGreaterThan(4_000);
  });

  test("[PATCH-5] share with their input whatever no operation wrote to", () => {
    let shared = 0;
    fc.assert(
      fc.property(validPatch, ({ document, patch }) => {
        const touched = patch.flatMap((item) => {
          const ends = item[0] === ">" ? [item[1], item[2]] : [item[1]];
          // In an array the neighbours move as well, so the whole array counts as written to.
          return ends.flatMap((path) => [path, ...arraysAbove(document, path)]);
        });
        const after = applyPatch(document, patch);
        for (const [was, is] of untouched(document, after, touched)) {
          expect(is).toBe(was);
          shared++;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(shared).toBeGreaterThan(300);
  });

  test("[PATCH-5] one operation at a time gives what all at once give", () => {
    fc.assert(
      fc.property(validPatch, ({ document, patch }) => {
        const stepwise = patch.reduce<Json>((now, item) => applyPatch(now, [item]), document);
        expect(applyPatch(document, patch)).toEqual(stepwise);
      }),
      { numRuns: 1_000 },
    );
  });

  test("[PATCH-5] with copies and tests in them agree as well", () => {
    fc.assert(
      fc.property(
        validPatch,
        fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
        key,
        ({ document, patch }, numbers, name) => {
          const roll = dice(numbers);
          const middle = applyPatch(document, patch);
          const from = formatPointer(pick(paths(middle), roll) ?? []);
          const to = formatPointer(place(middle, roll, name));
          const copied: JsonPatchOperation[] = [{ op: "copy", from, path: to }];
          const after = applyJsonPatch(middle, copied);
          const last = operation(after, roll, { value: [1], name, suffix: "x" }) ?? ["=", "", 1];
          const rest: JsonPatchOperation[] = [
            { op: "test", path: "", value: structuredClone(after) },
            ...toJsonPatch(after, [last]),
          ];
          const standard = [...toJsonPatch(document, patch), ...copied, ...rest];
          const expected = oracle(document, standard);
          expect(applyJsonPatch(document, standard)).toEqual(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("[PATCH-5] [R19] any operations at all apply or throw a PatchError, and change nothing then", () => {
    const pointer = fc.oneof(
      text,
      fc.array(fc.oneof(key, fc.constantFrom("__proto__", "0", "1", "-", "01")), { maxLength: 4 }).map(formatPointer),
    );
    const hostile = fc.oneof(
      fc.tuple(fc.constantFrom("+", "=", "-", "~", ">", "?"), pointer, fc.oneof(json, pointer)),
      json,
    );
    fc.assert(
      fc.property(container, fc.array(hostile, { maxLength: 4 }), (document, patch) => {
        const before = structuredClone(document);
        for (const apply of [applyPatch, applyJsonPatch] as ((d: Json, p: never) => Json)[]) {
          try {
            apply(document, patch.filter((item) => typeof item === "object" && item !== null) as never);
          } catch (error) {
            expect(error).toBeInstanceOf(PatchError);
          }
        }
        expect(document).toEqual(before);
        expect(Reflect.ownKeys(Object.prototype)).not.toContain("polluted");
      }),
      { numRuns: 3_000 },
    );
  });
});

function arraysAbove(document: Json, pointer: string): string[] {
  const tokens = parsePointer(pointer);
  return tokens.flatMap((_, length) => {
    const path = tokens.slice(0, length);
    const known = paths(document).some((each) => formatPointer(each) === formatPointer(path));
    return known && Array.isArray(read(document, path)) ? [formatPointer(path)] : [];
  });
}

test("[PATCH-5] a thousand operations on one parent clone it once", () => {
  const slice = vi.spyOn(Array.prototype, "slice");
  const pushes: PatchOperation[] = Array.from({ length: 1_000 }, (_, at) => ["+", "/items/-", at]);
  const result = applyPatch({ items: [0, 1, 2] }, pushes);
  // Whole arrays only: the parts of a path are cut with arguments.
  const clones = slice.mock.calls.filter((bounds) => bounds.length === 0).length;
  slice.mockRestore();
  expect(result).toMatchObject({ items: { length: 1_003 } });
  expect(clones).toBe(1);
});

test("[PATCH-5] an empty patch gives the document itself", () => {
  const document = { a: [] };
  expect(applyPatch(document, [])).toBe(document);
});

test("[PATCH-5] a value that was added is written to in a copy, not in the patch", () => {
  const value = { list: [1] };
  const patch: PatchOperation[] = [
    ["+", "/a", value],
    ["+", "/a/list/-", 2],
  ];
  expect(applyPatch({}, patch)).toEqual({ a: { list: [1, 2] } });
  expect(value).toEqual({ list: [1] });
});

test("[PATCH-5] a copy and its source are written to apart, whichever was written before", () => {
  const document = { a: { list: [1] } };
  const patch: JsonPatchOperation[] = [
    { op: "add", path: "/a/list/-", value: 2 },
    { op: "copy", from: "/a", path: "/b" },
    { op: "add", path: "/a/list/-", value: 3 },
    { op: "add", path: "/b/list/-", value: 4 },
  ];
  expect(applyJsonPatch(document, patch)).toEqual({ a: { list: [1, 2, 3] }, b: { list: [1, 2, 4] } });
});

test("[PATCH-6] less than a kilobyte of copies cannot build megabytes", () => {
  const bomb: JsonPatchOperation[] = [
    { op: "add", path: "/a", value: ["xxxxxxxxxxxxxxxx"] },
    ...Array.from({ length: 20 }, (): JsonPatchOperation => ({ op: "copy", from: "/a", path: "/a/-" })),
  ];
  expect(JSON.stringify(bomb).length).toBeLessThan(1_000);
  expect(() => applyJsonPatch({}, bomb, { bytesMax: 1 << 20 })).toThrow(expect.objectContaining({ code: "too_large" }));
});

test("[PATCH-6] a value fits a budget of the bytes of its JSON text, and not one of a tenth of them", () => {
  fc.assert(
    fc.property(json, (value) => {
      const bytesMax = JSON.stringify(value).length;
      expect(applyPatch(null, [["=", "", value]], { bytesMax })).toBe(value);
      expect(() => applyPatch(null, [["=", "", value]], { bytesMax: Math.floor(bytesMax / 10) })).toThrow(PatchError);
    }),
    { numRuns: 1_000 },
  );
});

test("[PATCH-6] moves cannot nest a document without end", () => {
  const path = "/b".repeat(60);
  const nest: JsonPatchOperation[] = Array.from({ length: 5 }, (): JsonPatchOperation[] => [
    { op: "move", from: "/a", path: "/c" },
    { op: "add", path: "/a", value: JSON.parse(`${'{"b":'.repeat(60)}{}${"}".repeat(60)}`) },
    { op: "move", from: "/c", path: `/a${path}/x` },
  ]).flat();
  expect(() => applyJsonPatch({ a: { deep: [[[[[[[[]]]]]]]] } }, nest)).toThrow(
    expect.objectContaining({ code: "too_large" }),
  );
});

test("[PATCH-6] moves build nothing, so a move of much fits a small budget", () => {
  const big = "x".repeat(10_000);
  expect(applyPatch({ a: big }, [[">", "/a", "/b"]], { bytesMax: 10 })).toEqual({ b: big });
});

test("[PATCH-4] a result never has a key __proto__, nor another prototype", () => {
  const attempts: JsonPatchOperation[][] = [
    [{ op: "add", path: "/__proto__", value: { polluted: 1 } }],
    [{ op: "add", path: "/constructor/prototype/polluted", value: 1 }],
    [{ op: "add", path: "/a", value: JSON.parse('{"__proto__":{"polluted":1}}') }],
    [{ op: "copy", from: "/__proto__", path: "/b" }],
    [{ op: "move", from: "/a", path: "/__proto__" }],
  ];
  for (const patch of attempts) expect(() => applyJsonPatch({ a: {} }, patch)).toThrow(PatchError);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

function canonical(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields = Object.entries(value).map(
    ([name, item]: [string, Json]) => `${JSON.stringify(name)}:${canonical(item)}`,
  );
  return `{${fields.sort().join()}}`;
}

test("[PATCH-3] an index has one spelling and lies within the array", () => {
  const spellings = ["-0", "01", "1e0", "1.0", " 1", "+1", "-1", "2147483648", "4294967296", "length", ""];
  const patches = (at: string): PatchOperation[] => [
    ["+", `/${at}`, 0],
    ["=", `/${at}`, 0],
    ["-", `/${at}`],
    [">", `/${at}`, "/0"],
    ["+", `/${at}/x`, 0],
  ];
  for (const patch of [...spellings.flatMap(patches), ...patches("-").slice(1), ...patches("2").slice(1)]) {
    expect(() => applyPatch([{}, {}], [patch])).toThrow(expect.objectContaining({ code: "invalid_index" }));
  }
});

test("[PATCH-7] equality is that of JSON", () => {
  fc.assert(
    fc.property(json, json, (left, right) => {
      expect(jsonEquals(left, structuredClone(left))).toBe(true);
      expect(jsonEquals(left, right)).toBe(canonical(left) === canonical(right));
    }),
    { numRuns: 1_000 },
  );
});

test("[PATCH-2] pointers and tokens are one to one", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(key, text)), (tokens) => {
      expect(parsePointer(formatPointer(tokens))).toEqual(tokens);
    }),
  );
});
