import { describe, expect, it } from "vitest";
import { type Flushable, Flusher, type SliceSize } from "../../../src/session/flusher.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

/** Flushers with connections that write down when they are flushed; each write takes `writeMs`. */
function bench({ slice, writeMs = 0 }: { slice?: SliceSize; writeMs?: number } = {}) {
  const runtime = new VirtualRuntime();
  const flusher = new Flusher(runtime, slice);
  const log: string[] = [];
  const queue = (name: string, then?: () => void): Flushable => ({
    flush: () => {
      log.push(name);
      runtime.pass(writeMs);
      then?.();
    },
  });
  /** What was written since the last time. */
  const written = async (): Promise<string[]> => {
    await Promise.resolve();
    return log.splice(0);
  };
  return { runtime, flusher, queue, written };
}

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `follower ${from + i}`);

describe("a flush", () => {
  it("waits for the end of the callback, and writes answers before what many are told", async () => {
    const { flusher, queue, written } = bench();
    flusher.addToSweep(queue("follower"));
    flusher.add(queue("caller"));
    expect(await Promise.resolve().then(written)).toEqual(["caller", "follower"]);
  });

  it("writes what a write brought about", async () => {
    const { flusher, queue, written } = bench();
    flusher.addToSweep(queue("follower", () => flusher.add(queue("caller"))));
    flusher.add(queue("first caller", () => flusher.addToSweep(queue("another"))));
    expect(await written()).toEqual(["first caller", "follower", "another"]);
    expect(await written()).toEqual(["caller"]);
  });
});

describe("a sweep", () => {
  const slice = { ms: 2, connections: 4 };

  it("of more than fits into a slice lets others have their turn", async () => {
    const { runtime, flusher, queue, written } = bench({ slice, writeMs: 0.5 });
    for (const name of names(10)) flusher.addToSweep(queue(name));
    expect(await written()).toEqual(names(4));
    flusher.add(queue("caller"));
    // Whoever was answered asks again before the sweep goes on.
    expect(await written()).toEqual(["caller"]);
    runtime.turn();
    expect(await written()).toEqual(names(4, 4));
    runtime.turn();
    expect(await written()).toEqual(names(2, 8));
    runtime.turn();
    expect(await written()).toEqual([]);
  });

  it("goes on for as long as the others took", async () => {
    const { runtime, flusher, queue, written } = bench({ slice, writeMs: 0.5 });
    for (const name of names(40)) flusher.addToSweep(queue(name));
    await written();
    runtime.pass(10);
    runtime.turn();
    expect(await written()).toEqual(names(20, 4));
  });

  it("takes those that came meanwhile behind all others, each once", async () => {
    const { runtime, flusher, queue, written } = bench({ slice, writeMs: 0.5 });
    for (const name of names(6)) flusher.addToSweep(queue(name));
    expect(await written()).toEqual(names(4));
    for (const name of names(3, 6)) flusher.addToSweep(queue(name));
    expect(await written()).toEqual([]);
    runtime.turn();
    expect(await written()).toEqual(names(4, 4));
    runtime.turn();
    expect(await written()).toEqual(names(1, 8));
  });

  it("begins anew after one that is over", async () => {
    const { runtime, flusher, queue, written } = bench({ slice, writeMs: 0.5 });
    for (const name of names(5)) flusher.addToSweep(queue(name));
    await written();
    runtime.turn();
    expect(await written()).toEqual(["follower 4"]);
    flusher.addToSweep(queue("follower 5"));
    expect(await written()).toEqual(["follower 5"]);
  });
});
