// One client's window by itself: what it holds back, and for how long.
import { LIMITS } from "@tidemark/protocol";
import { expect, it } from "vitest";
import { ClientWindow } from "../../../src/document/client-window.js";

const REFUSAL = { code: "overloaded", afterMs: 1 } as const;
const HASH = 7;
const receipt = (n: number) => ({ n, seq: n, epoch: 1, born: 0, hash: HASH, result: undefined });
const call = (n: number, low = 0) => ({ n, low, born: 0, origin: { conn: 1 } });

it("[REQ-11] holds back everything behind a refused call until that comes again, and what was refused with it", () => {
  const window = new ClientWindow();
  window.refused(5, REFUSAL);
  expect(window.passLatch(4)).toBeUndefined();
  expect(window.passLatch(6)).toEqual(REFUSAL);
  expect(window.passLatch(5)).toBeUndefined();
  expect(window.passLatch(7)).toEqual(REFUSAL);
  expect(window.passLatch(6)).toBeUndefined();
  expect(window.passLatch(7)).toBeUndefined();
  expect(window.passLatch(8)).toBeUndefined();
});

it("[REQ-11] is passed by low, and by a repeat of the refused call that turns out to be applied", () => {
  const window = new ClientWindow();
  window.refused(5, REFUSAL);
  window.admit(call(6, 6), 0, HASH);
  expect(window.passLatch(6)).toBeUndefined();
  window.applied(receipt(7));
  window.refused(7, REFUSAL);
  expect(window.admit(call(7, 6), 0, HASH).verdict).toBe("repeat");
  expect(window.passLatch(8)).toBeUndefined();
});

it("[R14] remembers no more refusals than a client may have calls", () => {
  const window = new ClientWindow();
  for (let n = 1; n <= 100_000; n += 1) window.refused(n, REFUSAL);
  expect(window.passLatch(100_000)).toEqual(REFUSAL);
  window.admit(call(4 * LIMITS.inFlightMax + 1, 4 * LIMITS.inFlightMax + 1), 0, HASH);
  expect(window.passLatch(200_000)).toBeUndefined();
});

it("[REQ-7] keeps the greatest low it ever heard when receipts are read again", () => {
  const window = new ClientWindow();
  window.admit(call(9, 9), 0, HASH);
  window.know({ low: 3, highest: 4, receipts: [receipt(4)] });
  expect(window.low).toBe(9);
  expect(window.admit(call(5), 0, HASH)).toEqual({ verdict: "settled", code: "settled" });
  expect(window.admit(call(4), 0, HASH).verdict).toBe("repeat");
});
