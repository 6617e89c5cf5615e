// What a herd is answered with is found out once: by one read of the log, and as one object, and kept for nobody.
import { beforeEach, describe, expect, it } from "vitest";
import type { Committed } from "../../../src/document/documents.js";
import { type LogOpening, SharedOpenings } from "../../../src/document/shared-openings.js";
import { DocumentBench } from "../../support/document-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const row = (seq: number, bytes: number): Committed => ({
  epoch: 1,
  previousEpoch: 1,
  seq,
  at: 0,
  operations: "x".repeat(bytes),
  events: undefined,
  by: undefined,
});
const resume = (rows: number, bytes = 10): LogOpening => {
  const missed = Array.from({ length: rows }, (_, n) => row(n + 1, bytes));
  return { kind: "resume", tag: "", prev: [1, 0], missed };
};
const reset: LogOpening = {
  kind: "reset",
  tag: "",
  snapshot: { seq: 9, epoch: 1, stateJson: "{}" },
  events: [{ seq: 3, at: 0, name: "said", data: "x".repeat(1_000) }],
  gap: false,
};
const head = { epoch: 1, seq: 9 };

describe("openings that are shared", () => {
  const runtime = new VirtualRuntime();

  it("[OPEN-5] [R3] are found by the whole position, at the very head they were made at", () => {
    const shared = new SharedOpenings(runtime);
    const opening = resume(3);
    shared.keep([1, 6, ""], head, opening);
    expect(shared.find([1, 6, ""], head)).toBe(opening);
    for (const other of [
      [1, 7, ""],
      [2, 6, ""],
      [1, 6, "!"],
    ] as const)
      expect(shared.find(other, head)).toBeUndefined();
    expect(shared.find([1, 6, ""], { epoch: 1, seq: 10 })).toBeUndefined();
    expect(shared.find([1, 6, ""], { epoch: 2, seq: 9 })).toBeUndefined();
    shared.keep([1, 7, ""], { epoch: 1, seq: 10 }, resume(3));
    expect(shared.find([1, 6, ""], { epoch: 1, seq: 10 })).toBeUndefined();
    expect(shared.find([1, 6, ""], head)).toBeUndefined();
  });

  it("[R14] take no more memory than they may, however many positions are come back from", () => {
    const shared = new SharedOpenings(runtime, 100_000);
    for (let seq = 0; seq < 1_000; seq += 1) {
      shared.keep([1, seq, ""], head, seq % 2 === 0 ? resume(20, 500) : reset);
      expect(shared.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(shared.bytes).toBeGreaterThan(80_000);
    expect(shared.find([1, 0, ""], head)).toBeDefined();
    expect(shared.find([1, 999, ""], head)).toBeUndefined();
    shared.keep([1, 1_001, ""], head, resume(1, 200_000));
    expect(shared.find([1, 1_001, ""], head)).toBeUndefined();
  });

  it("[R14] are gone when the head moves, and soon after, when nobody comes", async () => {
    const shared = new SharedOpenings(runtime);
    shared.keep([1, 6, ""], head, resume(3));
    shared.forget();
    expect([shared.bytes, shared.find([1, 6, ""], head)]).toEqual([0, undefined]);
    shared.keep([1, 6, ""], head, resume(3));
    await runtime.advance(900);
    shared.keep([1, 5, ""], head, resume(4));
    expect(shared.find([1, 6, ""], head)).toBeDefined();
    await runtime.advance(100);
    expect([shared.bytes, shared.find([1, 6, ""], head), shared.find([1, 5, ""], head)]).toEqual([
      0,
      undefined,
      undefined,
    ]);
  });
});

describe("a herd", () => {
  let bench: DocumentBench;

  beforeEach(async () => {
    bench = new DocumentBench();
    bench.client("ann").send("$create", { fill: "x".repeat(2_000) });
    await bench.settle();
  });

  it("[OPEN-5] [R15] costs one read and gets one list, also those of it that come after the others were answered", async () => {
    const herd = Array.from({ length: 30 }, (_, n) => bench.follow(`bob-${n}`));
    await bench.settle();
    for (const one of herd) one.leave();
    const ann = bench.client("ann");
    for (let n = 0; n < 5; n += 1) ann.send("note", `n${n}`);
    await bench.settle();
    await bench.runtime.advance(200_000);
    expect(bench.local.loadedCount).toBe(0);
    const before = { ...bench.store.counts };
    const back = [];
    for (const [index, one] of herd.entries()) {
      back.push(one.reopen());
      if (index % 10 === 9) await bench.settle();
    }
    expect(bench.store.counts.epochAt - before.epochAt).toBeLessThanOrEqual(1);
    expect(new Set(back.map(({ opening }) => opening)).size).toBe(1);
    expect(back[0]?.opening).toMatchObject({ kind: "resume", missed: { length: 5 } });
    ann.send("note", "more");
    await bench.settle();
    const late = herd.slice(0, 2).map((one) => one.reopen());
    await bench.settle();
    expect(late[0]?.opening).toMatchObject({ kind: "resume", missed: { length: 6 } });
    expect(late[1]?.opening).toBe(late[0]?.opening);
    for (const one of [...back, ...late]) expect(one.state).toEqual(bench.durableState());
    const counts = bench.local.figures.take();
    expect(counts.resumed).toBe(32);
    expect(bench.violations).toEqual([]);
  });

  it("[OPEN-5] [R18] is shared only by those who may follow", async () => {
    const first = bench.follow("bob");
    await bench.settle();
    first.leave();
    bench.client("ann").send("note", "n");
    await bench.settle();
    const one = first.reopen();
    await bench.settle();
    bench.client("ann").send("ban", "bob");
    await bench.settle();
    const again = first.reopen();
    await bench.settle();
    expect(one.opening).toMatchObject({ kind: "resume" });
    expect(again.endedWith).toBe("denied");
  });
});
