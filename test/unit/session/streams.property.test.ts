import { type Codec, type Json, jsonCodec, LIMITS, msgpackCodec } from "@tidemark/protocol";
import { describe, expect, it, vi } from "vitest";
import type { Fate } from "../../support/controlled-store.js";
import { StreamBench } from "../../support/stream-bench.js";
import type { Viewer } from "../../support/viewer.js";
import { seededRandom } from "../../support/virtual-runtime.js";

// Bounds so small that every one of them is met within a few hundred bytes.
vi.mock("@tidemark/protocol", async (importOriginal) => {
  const real = await importOriginal<typeof import("@tidemark/protocol")>();
  const small = {
    outboundSoftBytes: 2_000,
    outboundAheadBytes: 700,
    outboundHardBytes: 60_000,
    snapshotWholeBytesMax: 500,
    snapshotPartBytes: 150,
    transferBytesMax: 3_000,
    frameFlushBytes: 800,
    paceBytesMax: 600,
    replayRingBytesMax: 3_000,
  };
  return { ...real, LIMITS: { ...real.LIMITS, ...small } };
});

const SEEDS = Number(process.env["SEEDS"] ?? 120);
const STEPS = 160;

/** One run: five viewers of one document, whose sockets take what chance says. */
class Run {
  readonly random: () => number;
  readonly at = new StreamBench();
  readonly type: "page" | "book";
  readonly viewers: Viewer[] = [];
  /** How far more than the limit and one frame waited at a socket. */
  excess = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.type = this.random() < 0.5 ? "page" : "book";
    const { store } = this.at;
    store.plan = (): Fate => {
      const chance = this.random();
      return chance < 0.03 ? "lost" : chance < 0.06 ? "kept" : "commit";
    };
    for (let index = 0; index < 5; index += 1) {
      const codec: Codec = index % 2 === 0 ? jsonCodec : msgpackCodec;
      const every = this.pick([0, 0, 40, 300, 300]);
      this.viewers.push(this.at.viewer(`u${index}@g${index % 2}`, { doc: `${this.type}/x`, codec, every }));
    }
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new Error("nothing to pick");
    return item;
  }

  async step(): Promise<void> {
    const viewer = this.pick(this.viewers);
    const chance = this.random();
    if (!viewer.isConnected || viewer.connection.wire.closed !== undefined) await this.#connect(viewer);
    else if (viewer.endedWith !== undefined) viewer.open({ create: true });
    else if (chance < 0.12) viewer.connection.wire.throttle();
    else if (chance < 0.34) viewer.connection.wire.takes(Math.floor(this.random() * 1_500));
    else if (chance < 0.4) viewer.connection.wire.takes();
    else if (chance < 0.43) viewer.cut();
    else if (chance < 0.46) {
      viewer.close();
      if (this.random() < 0.5) viewer.send("touch");
      viewer.open({ create: true });
    } else if (chance < 0.5) await this.#regroup(viewer);
    else if (chance < 0.53) await this.at.bench.runtime.advance(this.pick([1_000, 6_000, 10_000]));
    else if (chance < 0.6) await this.at.bench.runtime.advance(this.pick([20, 50, 300]));
    else this.#write(viewer);
    if (this.random() < 0.5) await this.turn();
  }

  async turn(): Promise<void> {
    await this.at.turn();
    for (const { connection } of this.viewers.filter(({ isConnected }) => isConnected)) {
      const { frames, peakBytes } = connection.wire;
      const largest = Math.max(0, ...frames.map(({ bytes }) => bytes));
      this.excess = Math.max(this.excess, peakBytes - largest - LIMITS.outboundSoftBytes);
    }
  }

  async settle(): Promise<void> {
    this.at.store.plan = () => "commit";
    for (let round = 0; round < 12; round += 1) {
      for (const viewer of this.viewers) {
        if (!viewer.isConnected || viewer.connection.wire.closed !== undefined) await this.#connect(viewer);
        viewer.connection.wire.takes();
        if (viewer.endedWith !== undefined) viewer.open({ create: true });
      }
      await this.turn();
      await this.at.bench.runtime.advance(2_000);
      await this.turn();
    }
  }

  async #connect(viewer: Viewer): Promise<void> {
    if (viewer.isConnected) viewer.cut();
    await viewer.connect();
    viewer.connection.wire.drainsAboveBytes = 500;
    if (this.random() < 0.5) viewer.connection.wire.throttle();
    viewer.open({ create: true });
  }

  async #regroup(viewer: Viewer): Promise<void> {
    const [id = ""] = viewer.who.split("@");
    // What is under way must be read first: the bench knows the group of a frame by when it is read.
    viewer.connection.wire.takes();
    await this.turn();
    viewer.auth(`${id}@${this.pick(["g0", "g1"])}`);
    await this.turn();
    if (this.random() < 0.5) viewer.connection.wire.throttle();
  }

  #write(viewer: Viewer): void {
    const chance = this.random();
    const key = `k${Math.floor(this.random() * 4)}`;
    const word = this.pick(["a", "é", "🌊", '"']);
    const times = Math.floor(this.random() ** 3 * 500);
    if (chance < 0.15) viewer.send("touch");
    else if (chance < 0.35) viewer.send("append", { key, text: word.repeat(times % 40) });
    else if (chance < 0.45) viewer.send("drop", key);
    else if (chance < 0.65) viewer.send("say", `${word} ${this.random()}`);
    else if (chance < 0.85 || this.type === "page") viewer.send("fill", { key, word, times });
    else viewer.send("hide", { key: this.pick(["g0", "g1"]), word, times: times * 2 });
  }
}

describe("streams under chance", () => {
  it("[SLOW-1] [SLOW-2] [SLOW-3] [PACE-2] [PACE-3] [PACE-4] [PART-4] [PART-6] [PART-7] [R3] [R4] [R14] [R20] fold to the true state at every seq, hear every event once, and stay within their bounds", async () => {
    const sum = { compared: 0, inParts: 0, resets: 0, heard: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const run = new Run(seed);
      for (let step = 0; step < STEPS; step += 1) await run.step();
      await run.settle();
      const head = run.at.rows(run.type).length;
      for (const viewer of run.viewers) {
        expect(viewer.violations, `seed ${seed}`).toEqual([]);
        expect(viewer.replica.position?.seq, `seed ${seed}: ${viewer.who}`).toBe(head);
        expect(viewer.gaps, `seed ${seed}`).toBe(0);
        expect(missedEvents(run, viewer), `seed ${seed}: ${viewer.who}`).toEqual([]);
        sum.compared += viewer.compared;
        sum.inParts += viewer.partsRead;
        sum.resets += viewer.opened.filter(({ mode }) => mode.includes("reset")).length;
        sum.heard += viewer.events.length;
      }
      // Answers and heartbeats.
      expect(run.excess, `seed ${seed}`).toBeLessThan(5_000);
      expect(run.at.bench.fanOuts.budget.bytes, `seed ${seed}`).toBe(0);
    }
    expect(sum.compared).toBeGreaterThan(SEEDS * 40);
    expect(sum.inParts).toBeGreaterThan(SEEDS * 3);
    expect(sum.resets).toBeGreaterThan(SEEDS * 10);
    expect(sum.heard).toBeGreaterThan(SEEDS * 20);
  }, 900_000);
});

/** What it was not told exactly once, in order. */
function missedEvents({ at, type }: Run, viewer: Viewer): string[] {
  const heard = viewer.events.map(([seq, , , data]) => `${seq} ${String(data)}`);
  const since = viewer.firstSeq ?? Number.POSITIVE_INFINITY;
  const emitted = at.rows(type).flatMap(({ seq, events }) => {
    if (seq <= since || events === undefined) return [];
    const parsed: readonly (readonly [string, Json])[] = JSON.parse(events);
    return parsed.map(([, data]) => `${seq} ${String(data)}`);
  });
  return JSON.stringify(heard) === JSON.stringify(emitted)
    ? []
    : [`heard ${heard.join()}`, `emitted ${emitted.join()}`];
}
