// Many come back from one position: what they missed is encoded once per codec, and everybody is sent the very same.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Codec, jsonCodec, LIMITS, msgpackCodec } from "@tidemark/protocol";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Committed } from "../../../src/document/documents.js";
import { SharedReplays } from "../../../src/session/shared-replays.js";
import type { OutgoingFrame } from "../../../src/session/wire.js";
import { StreamBench } from "../../support/stream-bench.js";
import type { Viewer } from "../../support/viewer.js";

const row = (seq: number, operations = `[["=","/a",${seq}]]`): Committed => ({
  epoch: 1,
  previousEpoch: 1,
  seq,
  at: 0,
  operations,
  events: undefined,
  by: undefined,
});
const rowsTo = (count: number): Committed[] => Array.from({ length: count }, (_, n) => row(n + 1));
const at = (seq: number) => ({ epoch: 1, seq });

describe.each<Codec>([jsonCodec, msgpackCodec])("a herd ($name)", (real) => {
  const encodeDelta = vi.fn(real.encodeDelta);
  const codec: Codec = { ...real, encodeDelta };
  let bench: StreamBench;
  let writer: Viewer;
  let herd: Viewer[];

  beforeEach(async () => {
    encodeDelta.mockClear();
    bench = new StreamBench();
    writer = await bench.opened("writer");
    // Large enough that a replay is always the smaller way.
    writer.send("fill", { key: "a", word: "x", times: 100_000 });
    await bench.turn();
    herd = [];
    for (let n = 0; n < 20; n += 1) herd.push(await bench.opened(`bob-${n}`, { codec }));
  });

  /** All of them were away for so many transactions, and come back. Returns the frames that each was sent. */
  async function away(missed: number): Promise<readonly (readonly OutgoingFrame[])[]> {
    for (const one of herd) one.cut();
    for (let n = 0; n < missed; n += 1) {
      writer.send("set", { key: "k", text: `${n} é🌊` });
      if (n % 200 === 199) await bench.turn();
    }
    await bench.turn();
    for (const one of herd) await one.connect();
    const before = herd.map(({ connection }) => connection.wire.frames.length);
    for (const one of herd) one.open();
    await bench.turn();
    for (const one of herd) {
      expect(one.violations).toEqual([]);
      expect(one.opened.at(-1)?.mode).toEqual(["resume"]);
      expect(one.replica.position?.seq).toBe(bench.rows("page").length);
    }
    return herd.map(({ connection }, index) => connection.wire.frames.slice(before[index]));
  }

  it.each([1, 20, 255, 256, 600])("[OPEN-5] [R15] costs one encoding of what it missed: %i", async (missed) => {
    await away(missed);
    expect(encodeDelta).toHaveBeenCalledTimes(missed);
  });

  it("[OPEN-5] [FRAME-11] is one frame with `opened` as long as there is room, and else the very same frames for all", async () => {
    for (const [missed, messages] of [
      [3, [4]],
      [LIMITS.frameMessagesMax - 1, [LIMITS.frameMessagesMax]],
      [LIMITS.frameMessagesMax, [1, LIMITS.frameMessagesMax]],
      [LIMITS.frameMessagesMax + 1, [1, LIMITS.frameMessagesMax, 1]],
    ] as const) {
      const frames = await away(missed);
      for (const each of frames) {
        expect(each.map((frame) => codec.decode(codec.join(frame.pieces), DECODE).length)).toEqual(messages);
        for (const [index, frame] of each.entries()) if (index > 0) expect(frame).toBe(frames[0]?.[index]);
      }
    }
  });

  it("[OPEN-5] [SLOW-2] [R4] is no hindrance to those who missed more, or never left and were slow", async () => {
    const late = await bench.opened("late", { codec });
    const slow = [await bench.opened("slow-1", { codec }), await bench.opened("slow-2", { codec })];
    for (const one of slow) one.connection.wire.throttle();
    late.cut();
    for (let n = 0; n < 40; n += 1) {
      writer.send("fill", { key: `b${n % 2}`, word: "y", times: 50_000 });
      await bench.turn();
    }
    for (const one of slow) expect(one.replica.position?.seq).toBeLessThan(bench.rows("page").length);
    await away(10);
    await late.connect();
    late.open();
    for (const one of slow) await bench.drain(one);
    for (const one of [late, ...slow]) {
      expect(one.violations).toEqual([]);
      expect(one.replica.position?.seq).toBe(bench.rows("page").length);
    }
  });
});

const DECODE = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax };

describe("a shared replay", () => {
  it("[SEQ-2] [R4] is another one from another point of the chain, or to another one", () => {
    const replays = new SharedReplays(7);
    const rows = rowsTo(3);
    const range = { start: at(0), rows, end: at(3) };
    for (const change of [{ start: { epoch: 0, seq: 0 } }, { end: at(4) }, { rows: [...rows] }]) {
      const first = replays.replay(jsonCodec, range);
      expect(replays.replay(jsonCodec, { ...range })).toBe(first);
      const other = replays.replay(jsonCodec, { ...range, ...change });
      expect(other).not.toBe(first);
      expect(replays.replay(jsonCodec, { ...range, ...change })).toBe(other);
    }
    expect(replays.replay(jsonCodec, range)?.frames[0]?.frame.codec).toBe(jsonCodec);
    expect(replays.replay(msgpackCodec, range)?.frames[0]?.frame.codec).toBe(msgpackCodec);
  });

  it("[R14] is none when it is longer than what a connection may hold at once", () => {
    const replays = new SharedReplays(7);
    const rows = [row(1, `"${"x".repeat(LIMITS.outboundSoftBytes)}"`)];
    expect(replays.replay(jsonCodec, { start: at(0), rows, end: at(1) })).toBeUndefined();
    expect(replays.bytes(rows)).toBeGreaterThan(LIMITS.outboundSoftBytes);
  });

  it("[R14] is not kept once nobody has the rows it is of", async () => {
    setFlagsFromString("--expose-gc");
    const collect: unknown = runInNewContext("gc");
    if (typeof collect !== "function") throw new Error("no collector");
    const replays = new SharedReplays(7);
    const made = (): WeakRef<object> => {
      const replay = replays.replay(jsonCodec, { start: at(0), rows: rowsTo(300), end: at(300) });
      if (replay === undefined) throw new Error("no replay");
      return new WeakRef(replay);
    };
    const kept = made();
    // The collector may take several rounds, each in a turn of its own.
    await vi.waitFor(() => {
      Reflect.apply(collect, undefined, []);
      expect(kept.deref() === undefined).toBe(true);
    });
    expect(replays.bytes([])).toBe(0);
  });
});
