// The map by document against one by joined names.
import fc from "fast-check";
import { expect, it } from "vitest";
import { DocumentMap } from "../../../src/document/document-map.js";

const nameArbitrary = fc.record({
  space: fc.constantFrom("", "a", "b"),
  type: fc.constantFrom("list", "board", "sheet"),
  key: fc.constantFrom("x", "y", "z"),
});
const stepArbitrary = fc.record({ name: nameArbitrary, what: fc.constantFrom("set", "delete", "get") });

it("[R18] keeps documents of different spaces, types and keys apart, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 200 }), (steps) => {
      const map = new DocumentMap<number>();
      const model = new Map<string, number>();
      steps.forEach(({ name, what }, index) => {
        const joined = JSON.stringify(name);
        if (what === "set") {
          map.set({ ...name }, index);
          model.set(joined, index);
        } else if (what === "delete") {
          expect(map.delete(name)).toBe(model.delete(joined));
        }
        expect(map.get(name)).toBe(model.get(joined));
        expect(map.size).toBe(model.size);
      });
      expect([...map.values()].sort()).toEqual([...model.values()].sort());
    }),
  );
});
