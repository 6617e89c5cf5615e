import { describe, expect, it } from "vitest";
import type { Committed } from "../../../src/document/documents.js";
import { RecentLog } from "../../../src/document/recent-log.js";

const row = (seq: number, epoch = 7): Committed => ({
  epoch,
  previousEpoch: epoch,
  seq,
  at: 0,
  operations: '[["=","/value",1]]',
  events: undefined,
  by: undefined,
});

describe("the recent log", () => {
  it("[SEQ-4] knows the head it began at, so that who holds it has missed nothing", () => {
    const log = new RecentLog(1_000, { seq: 513, epoch: 7 });
    expect(log.epochAt(513)).toBe(7);
    expect(log.after(513)).toEqual([]);
    expect(log.after(512)).toBeUndefined();
    expect(log.epochAt(512)).toBeUndefined();
    expect(log.epochAt(514)).toBeUndefined();
  });

  it("[R14] forgets the oldest rows past its bytes, and says from where on it knows", () => {
    const log = new RecentLog(500, { seq: 0, epoch: 7 });
    for (let seq = 1; seq <= 5_000; seq += 1) log.push(row(seq));
    const known = log.after(4_998);
    expect(known?.map(({ seq }) => seq)).toEqual([4_999, 5_000]);
    expect(log.after(10)).toBeUndefined();
    expect(log.epochAt(10)).toBeUndefined();
  });
});
