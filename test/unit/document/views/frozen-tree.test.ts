import { applyPatch, type Json, type JsonObject, type PatchOperation } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detach } from "../../../../src/document/recorder/detach.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { frozenTree, treeAfter } from "../../../../src/document/views/frozen-tree.js";
import { seededRandom } from "../../../support/virtual-runtime.js";

const LIMITS = { depthMax: 64, bytesMax: 10_000_000 };

interface Item {
  tags: string[];
  text: string;
  in?: { n: number };
}
interface State {
  list: Item[];
  table: Record<string, Item>;
  other?: Record<string, Item>;
}

/** What a handler may do to its state. */
function write(state: State, random: () => number): void {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const item = (): Item => ({ tags: ["a"], text: String(Math.floor(random() * 99)), in: { n: 1 } });
  const key = String(Math.floor(random() * 6));
  const some = pick([...state.list, ...Object.values(state.table)]);
  switch (Math.floor(random() * 10)) {
    case 0:
      state.list.splice(Math.floor(random() * 3), Math.floor(random() * 2), item());
      break;
    case 1:
      state.list.pop();
      break;
    case 2:
      state.table[key] = item();
      break;
    case 3:
      delete state.table[key];
      break;
    case 4:
      if (some !== undefined) some.text += "x";
      break;
    case 5:
      some?.tags.unshift(key);
      break;
    case 6:
      state.list.sort((a, b) => a.text.localeCompare(b.text));
      break;
    case 7:
      if (some?.in !== undefined) some.in.n += 1;
      break;
    case 8: {
      const moved = state.list.shift();
      if (moved !== undefined) state.list.push(moved);
      break;
    }
    default:
      if (state.other === undefined) state.other = { ...state.table };
      else delete state.other;
  }
}

const text = (value: unknown): string => JSON.stringify(value, (_key, item: unknown) => item);

describe("a state that never changes", () => {
  it("[R4] [VIEW-6] follows the live one write by write, and none of its past moves", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const root = detach({ list: [], table: {} }, { path: "", ...LIMITS }) as JsonObject;
        let tree = frozenTree(root);
        const past: { readonly tree: JsonObject; readonly text: string }[] = [];
        for (let transaction = 0; transaction < 25; transaction += 1) {
          const recording = record<State>(root, LIMITS);
          for (let writes = Math.floor(random() * 5); writes > 0; writes -= 1) write(recording.draft, random);
          past.push({ tree, text: text(tree) });
          tree = treeAfter(tree, recording.finish().operations);
          expect(JSON.parse(text(tree))).toEqual(JSON.parse(text(root)));
        }
        for (const one of past) expect(text(one.tree)).toBe(one.text);
      }),
      { numRuns: 300 },
    );
  });

  it("[VIEW-6] shares whatever no operation wrote to, and inherits no keys", () => {
    const tree = frozenTree({ a: { x: { n: 1 }, y: { n: 2 } }, b: { z: [1] } });
    const next = treeAfter(tree, [["=", "/a/x/n", 5]]);
    const part = (of: JsonObject, name: string): JsonObject => of[name] as JsonObject;
    expect(next["b"]).toBe(tree["b"]);
    expect(part(next, "a")["y"]).toBe(part(tree, "a")["y"]);
    expect(part(next, "a")["x"]).not.toBe(part(tree, "a")["x"]);
    expect(part(next, "a")["constructor"]).toBeUndefined();
    expect(Object.isFrozen(part(next, "a")["x"])).toBe(true);
    expect(Object.isFrozen(part(next, "b")["z"])).toBe(true);
  });

  it("does what the patch applier of the clients does", () => {
    const before: Json = { a: [1, 2, 3], b: { t: "x" } };
    const operations: readonly PatchOperation[] = [
      ["+", "/a/1", { n: 1 }],
      [">", "/a/1", "/a/0"],
      ["-", "/a/3"],
      ["~", "/b/t", "y"],
      ["=", "/a/0/n", 2],
      ["+", "/b/~1~0", null],
    ];
    expect(JSON.parse(text(treeAfter(frozenTree(before), operations)))).toEqual(applyPatch(before, operations));
    expect(JSON.parse(text(treeAfter(frozenTree(before), [["=", "", { c: 1 }]])))).toEqual({ c: 1 });
  });
});
