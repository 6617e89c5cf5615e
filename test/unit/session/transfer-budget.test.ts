import { expect, it } from "vitest";
import { TransferBudget, type Waiter } from "../../../src/session/transfer-budget.js";

const holding = (bytes: number) => ({ what: {}, bytes });

it("[PART-7] [R14] counts what several hold once, until the last lets go", () => {
  const budget = new TransferBudget(100);
  const shared = holding(60);
  expect([budget.take([shared]), budget.take([shared]), budget.take([holding(50)])]).toEqual([true, true, false]);
  budget.give([shared]);
  expect(budget.bytes).toBe(60);
  expect(budget.take([holding(40)])).toBe(true);
  budget.give([shared]);
  expect(budget.bytes).toBe(40);
});

it("[PART-7] takes all of a list or nothing, and when nothing is held anything", () => {
  const budget = new TransferBudget(100);
  const both = [holding(90), holding(90)];
  expect(budget.take(both)).toBe(true);
  expect(budget.take([holding(1)])).toBe(false);
  expect(budget.bytes).toBe(180);
  budget.give(both);
  expect(budget.take([holding(30)])).toBe(true);
  expect(budget.take(both)).toBe(false);
  expect(budget.bytes).toBe(30);
});

it("[PART-7] wakes all who wait when something is let go, and nobody who does not wait any more", () => {
  const budget = new TransferBudget(100);
  const held = holding(100);
  const other = holding(0);
  budget.take([held]);
  budget.take([other]);
  const woken: string[] = [];
  const waiter = (name: string): Waiter => ({ roomAgain: () => void woken.push(name) });
  const gone = waiter("gone");
  budget.wait(waiter("one"));
  budget.wait(waiter("other"));
  budget.wait(gone);
  budget.forget(gone);
  expect(budget.isWanted).toBe(true);
  budget.give([other]);
  expect(woken).toEqual([]);
  budget.give([held]);
  expect(woken).toEqual(["one", "other"]);
  expect(budget.isWanted).toBe(false);
});
