import { applyPatch, escapeToken, type Json, type PatchOperation } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { mergedOperations } from "../../../src/session/merged-operations.js";
import { seededRandom } from "../../support/virtual-runtime.js";

const CASES = 6_000;

describe("merged operations", () => {
  it.each<[string, PatchOperation[], PatchOperation[]]>([
    [
      "of two values the last one stands",
      [
        ["=", "/a", 1],
        ["=", "/b", 2],
        ["=", "/a", 3],
      ],
      [
        ["=", "/b", 2],
        ["=", "/a", 3],
      ],
    ],
    [
      "appends to one text are one",
      [
        ["~", "/t", "a"],
        ["=", "/b", 2],
        ["~", "/t", "b"],
      ],
      [
        ["~", "/t", "ab"],
        ["=", "/b", 2],
      ],
    ],
    [
      "an append to a text that was set is part of it",
      [
        ["=", "/t", "a"],
        ["~", "/t", "b"],
      ],
      [["=", "/t", "ab"]],
    ],
    [
      "what was done inside of what is replaced is left out",
      [
        ["=", "/a/b", 1],
        ["+", "/a/c", 1],
        ["-", "/a/d"],
        ["=", "/a", {}],
      ],
      [["=", "/a", {}]],
    ],
    [
      "a key that is set again is added with its last value",
      [
        ["+", "/k", 1],
        ["=", "/k", { x: 1 }],
        ["=", "/k/x", 2],
        ["=", "/k", 3],
      ],
      [["+", "/k", 3]],
    ],
    [
      "a key that came and went leaves nothing of its value",
      [
        ["+", "/k", "long"],
        ["-", "/k"],
        ["+", "/k", 1],
        ["-", "/k"],
      ],
      [
        ["+", "/k", 0],
        ["-", "/k"],
      ],
    ],
    [
      "a key that went and came stays at the end of its object",
      [
        ["-", "/k"],
        ["+", "/k", 1],
        ["=", "/k", 2],
      ],
      [
        ["-", "/k"],
        ["+", "/k", 2],
      ],
    ],
    [
      "the same path is another element once elements have moved",
      [
        ["=", "/l/0", 1],
        ["+", "/l/0", 0],
        ["=", "/l/0", 2],
      ],
      [
        ["=", "/l/0", 1],
        ["+", "/l/0", 0],
        ["=", "/l/0", 2],
      ],
    ],
    [
      "an array that is replaced takes all of that with it",
      [
        ["=", "/l/0", 1],
        ["+", "/l/0", 0],
        ["-", "/l/1"],
        ["=", "/l", []],
      ],
      [["=", "/l", []]],
    ],
    [
      "nothing is merged over a move",
      [
        ["=", "/a", 1],
        [">", "/a", "/b"],
        ["=", "/a", 2],
      ],
      [
        ["=", "/a", 1],
        [">", "/a", "/b"],
        ["=", "/a", 2],
      ],
    ],
    [
      "but when all of it is replaced",
      [
        ["=", "/a", 1],
        [">", "/a", "/b"],
        ["=", "", 7],
      ],
      [["=", "", 7]],
    ],
    [
      "a whole that is text is appended to",
      [
        ["=", "", "a"],
        ["~", "", "b"],
      ],
      [["=", "", "ab"]],
    ],
  ])("[PACE-2] %s", (_, operations, merged) => {
    expect(mergedOperations(operations.map((operation) => [operation]))).toEqual(merged);
  });

  it(`[PACE-2] [R4] do what the originals do, keys in the same order, and are never longer (${CASES} documents)`, () => {
    let shorter = 0;
    for (let seed = 1; seed <= CASES; seed += 1) {
      const random = seededRandom(seed);
      const before = objectOf(random, 3);
      let after: Json = before;
      const patches: PatchOperation[][] = [];
      for (let count = 2 + Math.floor(random() * 25); count > 0; count -= 1) {
        const operation = operationOn(after, random);
        after = applyPatch(after, [operation]);
        if (random() < 0.5 || patches.length === 0) patches.push([]);
        patches.at(-1)?.push(operation);
      }
      const merged = mergedOperations(patches);
      const what = `seed ${seed}: ${JSON.stringify(patches)} on ${JSON.stringify(before)}`;
      expect(JSON.stringify(applyPatch(before, merged)), what).toBe(JSON.stringify(after));
      const [length, sum] = [JSON.stringify(merged).length, JSON.stringify(patches.flat()).length];
      expect(length, what).toBeLessThanOrEqual(sum);
      if (length < sum) shorter += 1;
    }
    expect(shorter).toBeGreaterThan(CASES / 2);
  });
});

const KEYS = ["a", "b", "c", "0", "1", "x/y", "~"];

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("nothing to pick");
  return item;
}

function someValue(random: () => number, depth: number): Json {
  const chance = random();
  if (depth > 0 && chance < 0.25) return objectOf(random, depth - 1);
  if (depth > 0 && chance < 0.5)
    return Array.from({ length: Math.floor(random() * 4) }, () => someValue(random, depth - 1));
  if (chance < 0.8) return pick(["", "t", "text", "🌊", '"'], random);
  return pick<Json>([0, 1, 12, true, null], random);
}

function objectOf(random: () => number, depth: number): { [key: string]: Json } {
  const object: { [key: string]: Json } = {};
  for (const key of KEYS) if (random() < 0.5) object[key] = someValue(random, depth);
  return object;
}

/** Every place of a document below its root, and what holds it. */
function placesOf(value: Json, path = ""): { readonly path: string; readonly value: Json }[] {
  if (typeof value !== "object" || value === null) return [];
  const entries: readonly (readonly [string, Json])[] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item] as const)
    : Object.entries(value);
  return entries.flatMap(([key, item]) => {
    const own = `${path}/${escapeToken(key)}`;
    return [{ path: own, value: item }, ...placesOf(item, own)];
  });
}

/** An operation that the document allows; a `+` into an object only for a key that is not there, as logs have it. */
function operationOn(document: Json, random: () => number): PatchOperation {
  const places = placesOf(document);
  const chance = random();
  const place = places.length === 0 ? undefined : pick(places, random);
  if (place !== undefined && chance < 0.35) return ["=", place.path, someValue(random, 2)];
  const texts = places.filter(({ value }) => typeof value === "string");
  if (texts.length > 0 && chance < 0.55) return ["~", pick(texts, random).path, pick(["a", "b", "🌊"], random)];
  if (place !== undefined && chance < 0.7) return ["-", place.path];
  if (place !== undefined && chance < 0.74) {
    const to = pick([...KEYS], random);
    return [">", place.path, `/${escapeToken(to)}`];
  }
  if (chance < 0.75) return ["=", "", objectOf(random, 2)];
  const holders = [{ path: "", value: document }, ...places];
  for (let tries = 0; tries < 20; tries += 1) {
    const { path, value } = pick(holders, random);
    if (Array.isArray(value)) {
      const at = random() < 0.3 ? "-" : String(Math.floor(random() * (value.length + 1)));
      return ["+", `${path}/${at}`, someValue(random, 2)];
    }
    if (typeof value !== "object" || value === null) continue;
    const absent = KEYS.filter((key) => !Object.hasOwn(value, key));
    if (absent.length > 0) return ["+", `${path}/${escapeToken(pick(absent, random))}`, someValue(random, 2)];
  }
  return ["=", "", objectOf(random, 2)];
}
