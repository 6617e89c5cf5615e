import fc from "fast-check";
import { expect, test } from "vitest";
import { requestHash } from "../../../src/document/request-hash.js";

const seed = Number(process.env.TIDEMARK_SEED ?? Date.now() % 1_000_000_000);
const asked = fc.record({ name: fc.string({ unit: "binary" }), input: fc.string({ unit: "binary", maxLength: 60 }) });

function check(property: fc.IProperty<[{ name: string; input: string }]>): void {
  fc.assert(property, { numRuns: 3_000, seed });
}

const changed = (text: string, at: number, bit: number): string =>
  text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1);

test(`[R7] a changed character anywhere changes the hash, seed ${seed}`, () => {
  check(
    fc.property(asked, ({ name, input }) => {
      const hash = requestHash(name, input);
      const others: number[] = [];
      for (const bit of [1, 2, 0x80, 0x8000]) {
        for (let at = 0; at < name.length; at++) others.push(requestHash(changed(name, at, bit), input));
        for (let at = 0; at < input.length; at++) others.push(requestHash(name, changed(input, at, bit)));
      }
      return Number.isSafeInteger(hash) && hash >= 0 && requestHash(name, input) === hash && !others.includes(hash);
    }),
  );
});

test(`[R7] what is asked is told apart by order, and by where the name ends, seed ${seed}`, () => {
  check(
    fc.property(asked, ({ name, input }) => {
      const others = [requestHash(name, `${input}\0`)];
      for (let at = 1; at < input.length; at++) {
        if (input[at] === input[at - 1]) continue;
        others.push(requestHash(name, input.slice(0, at - 1) + input[at] + input[at - 1] + input.slice(at + 1)));
      }
      const whole = name + input;
      for (let at = 0; at <= whole.length; at++) {
        if (at !== name.length) others.push(requestHash(whole.slice(0, at), whole.slice(at)));
      }
      return !others.includes(requestHash(name, input));
    }),
  );
});

test("[R7] a hundred thousand calls that differ in a counter have as many hashes, spread over all bits", () => {
  const count = 100_000;
  const hashes = new Set<number>();
  const ones = new Array<number>(53).fill(0);
  for (let n = 0; n < count; n++) {
    const hash = requestHash("set", `{"key":"f${n % 20}","at":${n}}`);
    hashes.add(hash);
    for (let bit = 0; bit < 53; bit++) ones[bit] = (ones[bit] ?? 0) + (Math.floor(hash / 2 ** bit) % 2);
  }
  expect(hashes.size).toBe(count);
  for (const one of ones) expect(Math.abs(one / count - 0.5)).toBeLessThan(0.02);
});
