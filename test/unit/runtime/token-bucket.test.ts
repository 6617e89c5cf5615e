// A bucket by itself, under virtual time.
import { expect, it } from "vitest";
import { TokenBucket } from "../../../src/runtime/token-bucket.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

it("[CLOSE-5] gives a burst, then as many as its rate, and says when there will be one", async () => {
  const runtime = new VirtualRuntime();
  const bucket = new TokenBucket({ runtime, perSecond: 10, burst: 3 });
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0]);
  expect(bucket.take()).toBe(100);
  await runtime.advance(60);
  expect(bucket.take()).toBeCloseTo(40);
  await runtime.advance(40);
  expect(bucket.take()).toBe(0);
  expect(bucket.take()).toBeGreaterThan(0);
  await runtime.advance(60_000);
  expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0]);
  expect(bucket.take()).toBeGreaterThan(0);
});
