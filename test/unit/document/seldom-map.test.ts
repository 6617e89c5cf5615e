import fc from "fast-check";
import { expect, it } from "vitest";
import { SeldomMap } from "../../../src/document/seldom-map.js";

const key = fc.integer({ min: 0, max: 3 });
const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key, value: fc.nat() }),
  fc.record({ kind: fc.constant("delete" as const), key, value: fc.constant(0) }),
  fc.record({ kind: fc.constant("clear" as const), key, value: fc.constant(0) }),
);

it("does what a Map does, however often it becomes empty", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const seldom = new SeldomMap<number, number>();
      const model = new Map<number, number>();
      for (const { kind, key, value } of steps) {
        if (kind === "set") expect(seldom.set(key, value).get(key)).toBe(model.set(key, value).get(key));
        else if (kind === "delete") expect(seldom.delete(key)).toBe(model.delete(key));
        else {
          seldom.clear();
          model.clear();
        }
        expect([seldom.size, seldom.has(key), seldom.get(key)]).toEqual([model.size, model.has(key), model.get(key)]);
        expect([[...seldom], [...seldom.keys()], [...seldom.values()]]).toEqual([
          [...model],
          [...model.keys()],
          [...model.values()],
        ]);
      }
    }),
  );
});
