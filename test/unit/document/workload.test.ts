// When one more call is too many for a process, by itself and with documents.
import { LIMITS } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { Workload } from "../../../src/document/workload.js";
import type { Runtime } from "../../../src/runtime/runtime.js";
import { boardName, DocumentBench } from "../../support/document-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const SLOW_MS = 1_000;

/** A runtime whose turns end when the test says so. */
function turns(): { runtime: Runtime; endTurn: () => void } {
  const virtual = new VirtualRuntime();
  const deferred: (() => void)[] = [];
  const runtime: Runtime = {
    now: () => virtual.now(),
    monotonicMs: () => virtual.monotonicMs(),
    setTimer: (ms, fire) => virtual.setTimer(ms, fire),
    microtask: (run) => virtual.microtask(run),
    random: () => virtual.random(),
    randomBytes: (length) => virtual.randomBytes(length),
    defer: (run) => void deferred.push(run),
  };
  return { runtime, endTurn: () => deferred.splice(0).forEach((run) => void run()) };
}

describe("the workload of a process", () => {
  it("[R15] refuses what comes late in a turn, says for how long, and takes it in the next", () => {
    const { runtime, endTurn } = turns();
    const workload = new Workload(runtime);
    // Few calls that take long are slow handlers, and no overload.
    for (let n = 0; n < 32; n += 1) expect(workload.refusal(n * 100)).toBeUndefined();
    endTurn();
    workload.takeWaits();
    for (let n = 0; n < 32; n += 1) workload.refusal(0);
    expect(workload.refusal(300)).toBeUndefined();
    expect(workload.refusal(301)).toEqual({ code: "overloaded", afterMs: 301 });
    endTurn();
    expect(workload.refusal(302)).toBeUndefined();
    endTurn();
    expect(workload.takeWaits()).toEqual({ turnMaxMs: 301, commitMaxMs: 0 });
    expect(workload.takeWaits()).toEqual({ turnMaxMs: 0, commitMaxMs: 0 });
  });

  it("[R15] takes a slow disk for overload only when much is on its way to it", () => {
    const { runtime, endTurn } = turns();
    const workload = new Workload(runtime);
    const at = (nowMs: number) => {
      endTurn();
      return workload.refusal(nowMs);
    };
    workload.began(0);
    for (let n = 0; n < 1_023; n += 1) workload.wrote(1);
    expect(at(SLOW_MS)).toBeUndefined();
    workload.wrote(1);
    // What is under way counts before it is over.
    expect(at(SLOW_MS)).toEqual({ code: "overloaded", afterMs: SLOW_MS });
    workload.settled(24, 24);
    for (let n = 0; n < 24; n += 1) workload.wrote(1);
    // The last commit took so long, and what waits for the next has just begun.
    workload.committed(SLOW_MS, SLOW_MS);
    expect(at(SLOW_MS + 1)).toEqual({ code: "overloaded", afterMs: SLOW_MS });
    workload.committed(10, SLOW_MS + 10);
    expect(at(SLOW_MS + 20)).toBeUndefined();
    workload.settled(1_024, 1_024);
    workload.committed(SLOW_MS, undefined);
    expect(at(5 * SLOW_MS)).toBeUndefined();
  });

  it("[R14] [R15] is bounded in number and in bytes", () => {
    for (const [count, bytes] of [
      [LIMITS.workloadMax, 1],
      [64, LIMITS.workloadBytesMax / 64],
    ] as const) {
      const workload = new Workload(turns().runtime);
      workload.began(0);
      for (let n = 1; n < count; n += 1) workload.wrote(bytes);
      expect(workload.refusal(0)).toBeUndefined();
      workload.wrote(bytes);
      expect(workload.refusal(0)).toEqual({ code: "overloaded", afterMs: expect.any(Number) });
      workload.settled(1, bytes);
      expect(workload.refusal(0)).toBeUndefined();
    }
  });
});

it("[R15] tells for a moment that it refused, whoever might bring more", async () => {
  const runtime = new VirtualRuntime();
  const workload = new Workload(runtime);
  expect(workload.isTooMuch).toBe(false);
  expect(workload.refusal(0)).toBeUndefined();
  await runtime.advance(400);
  expect(workload.refusal(400)).toBeUndefined();
  expect(workload.isTooMuch).toBe(false);
  workload.wrote(LIMITS.workloadBytesMax);
  expect(workload.refusal(400)).toMatchObject({ code: "overloaded" });
  expect(workload.isTooMuch).toBe(true);
  await runtime.advance(1_000);
  expect(workload.isTooMuch).toBe(false);
});

describe("documents together", () => {
  const FILL = 400_000;
  const perDocument = Math.ceil(LIMITS.undurableBytesMax / FILL);

  it.each(["commit", "lost", "disk_full"] as const)(
    "[R14] [R15] refuse a call at any of them, and take it again when what they had taken on is over: %s",
    async (fate) => {
      const bench = new DocumentBench();
      const ann = bench.client("ann");
      const documents = Array.from({ length: 9 }, (_, n) => boardName(`k${n}`));
      for (const document of documents) ann.send("$create", true, { document });
      await bench.settle();
      bench.store.holdCommits();
      const sent = documents.flatMap((document) =>
        Array.from({ length: perDocument }, (_, n) =>
          ann.send("fill", { key: "f", bytes: FILL, unit: n % 2 === 0 ? "a" : "b" }, { document }),
        ),
      );
      const refused = sent.filter(({ answers }) => answers.length > 0);
      expect(refused.length).toBeGreaterThan(0);
      for (const { answers } of refused) expect(answers).toMatchObject([{ kind: "no", code: "overloaded" }]);
      await bench.settle();
      bench.store.plan = () => "commit";
      bench.store.decide(fate);
      await bench.runtime.advance(5_000);
      const again = bench.client("bob").send("nothing", null, { document: boardName("k8") });
      await bench.settle();
      expect(again.answers).toMatchObject([{ kind: "ok" }]);
      expect(bench.violations).toEqual([]);
    },
  );
});
