import { expect, it } from "vitest";
import { Shares } from "../../../src/runtime/shares.js";

interface Share {
  used: boolean;
}

it("[R14] shares that nobody needs go as others come, those in use stay what they are", () => {
  const shares = new Shares<Share>({ make: () => ({ used: false }), isUnused: ({ used }) => !used });
  const kept = shares.of("kept");
  kept.used = true;
  for (let n = 0; n < 1_000; n += 1) shares.of(`passing-${n}`);
  expect(shares.size).toBeLessThan(4);
  expect(shares.of("kept")).toBe(kept);
  kept.used = false;
  for (let n = 0; n < 4; n += 1) shares.of(`later-${n}`);
  expect(shares.of("kept")).not.toBe(kept);
});
