import { type Codec, jsonCodec, LIMITS, msgpackCodec, type ServerMessage } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { StreamBench } from "../../support/stream-bench.js";
import type { Viewer } from "../../support/viewer.js";

const MIB = 1_048_576;
let at: StreamBench;

beforeEach(() => {
  at = new StreamBench();
});

const types = (messages: readonly ServerMessage[]): string[] => messages.map(([type]) => type);

/** A page of about so many bytes. */
async function filled(bytes: number, word = "x"): Promise<Viewer> {
  const writer = await at.opened("writer");
  const each = 240_000;
  for (let left = bytes, n = 0; left > 0; left -= each, n += 1) {
    writer.send("fill", { key: `a${n}`, word, times: Math.ceil(Math.min(left, each) / Buffer.byteLength(word)) });
  }
  await at.turn();
  writer.close();
  await at.turn();
  return writer;
}

/** Somebody who opens through a socket that takes nothing yet. */
async function throttled(who: string, options: Parameters<StreamBench["viewer"]>[1] = {}): Promise<Viewer> {
  const viewer = at.viewer(who, options);
  await viewer.connect();
  viewer.connection.wire.throttle();
  viewer.open();
  await at.turn();
  return viewer;
}

function expectWhole(...viewers: readonly Viewer[]): void {
  for (const viewer of viewers) {
    expect(viewer.violations).toEqual([]);
    expect(viewer.replica.position?.seq).toBe(at.rows("page").length);
    expect(viewer.compared).toBeGreaterThan(0);
  }
}

describe.each<Codec>([jsonCodec, msgpackCodec])("a large snapshot ($name)", (codec) => {
  it("[PART-1] comes in parts above 256 KiB, and whole up to it", async () => {
    const writer = await filled(LIMITS.snapshotWholeBytesMax - 1_000);
    const whole = await at.opened("ann", { codec });
    expect(whole.partsRead).toBe(0);
    writer.send("fill", { key: "b", word: "y", times: 2_000 });
    await at.turn();
    const parts = await at.opened("bob", { codec });
    expect(parts.partsRead).toBe(1);
    expectWhole(whole, parts);
  });

  it("[PART-1] [R4] may hold any text: a part never ends inside a character", async () => {
    await filled(MIB, 'aé€🌊"\\\n');
    const reader = await at.opened("ann", { codec });
    expect(reader.partsRead).toBe(1);
    expectWhole(reader);
  });

  it("[PART-2] [R14] is sent on as its peer takes it, a few parts ahead", async () => {
    await filled(3 * MIB);
    const reader = await throttled("ann", { codec });
    const { wire } = reader.connection;
    for (let taken = 0; reader.partsRead === 0; taken += 1) {
      wire.takes(100_000);
      await at.bench.runtime.advance(1_000);
      await at.turn();
      expect(taken).toBeLessThan(100);
    }
    expect(wire.peakBytes).toBeLessThan(LIMITS.outboundAheadBytes + 2 * LIMITS.snapshotPartBytes);
    expectWhole(reader);
  });

  it("[PART-3] lets everything else through: other streams, answers, heartbeats", async () => {
    const writer = await filled(2 * MIB);
    const reader = await throttled("ann", { codec });
    const { wire } = reader.connection;
    reader.connection.say(["open", { s: 9, doc: "page/small", create: true }]);
    reader.connection.say(["c", 50, "page/small", "touch", null, { born: at.bench.runtime.now() }]);
    reader.connection.say(["ping", 7, []]);
    await at.turn();
    while (reader.partsRead === 0 && wire.bufferedBytes > 0) {
      wire.takes(wire.bufferedBytes);
      await at.bench.settle();
      const seen = types(wire.writes.flat(2));
      if (seen.includes("pong")) break;
    }
    const seen = types(wire.writes.flat(2));
    const afterParts = seen.slice(seen.indexOf("part"));
    for (const type of ["opened", "ok", "pong"]) expect(afterParts).toContain(type);
    expect(seen.filter((type) => type === "part").length).toBeLessThan(20);
    await at.drain(reader);
    expect(writer.violations).toEqual([]);
    expectWhole(reader);
  });

  it("[PART-4] is followed by what happened meanwhile, and answers and heads wait for it", async () => {
    const writer = await filled(2 * MIB);
    const reader = await throttled("ann", { codec });
    const { wire } = reader.connection;
    for (let n = 0; n < 5; n += 1) writer.send("append", { key: "b", text: `${n} ` });
    reader.send("append", { key: "c", text: "mine" });
    await at.turn();
    const head = at.rows("page").length;
    reader.connection.say(["ping", 7, []]);
    await at.turn();
    while (reader.partsRead === 0) {
      expect(types(reader.answers)).not.toContain("ok");
      expect(wire.bufferedBytes).toBeGreaterThan(0);
      wire.takes(wire.bufferedBytes);
      await at.turn();
    }
    await at.drain(reader);
    expect(types(reader.answers)).toContain("ok");
    expect(reader.opened).toHaveLength(1);
    expect(reader.replica.position?.seq).toBe(head);
    expectWhole(reader);
    reader.connection.say(["ping", 8, []]);
    await at.drain(reader);
    expectWhole(reader);
  });
});

describe("a snapshot in parts", () => {
  it("[PART-5] is encoded once for all who open at the same seq, whenever they come", async () => {
    await filled(2 * MIB);
    const [early, late] = [await throttled("ann"), await throttled("bob")];
    await at.drain(early);
    const last = await at.opened("cid");
    await at.drain(late);
    const partsOf = (viewer: Viewer) =>
      viewer.connection.wire.frames.filter(({ bytes }) => bytes > LIMITS.snapshotPartBytes / 2);
    expect(partsOf(early).length).toBeGreaterThan(30);
    for (const [index, frame] of partsOf(early).entries()) {
      expect(partsOf(late)[index]).toBe(frame);
      expect(partsOf(last)[index]).toBe(frame);
    }
    expectWhole(early, late, last);
  });

  it("[PART-6] stops at a close, and nothing of it is kept", async () => {
    await filled(2 * MIB);
    const reader = await throttled("ann");
    const { wire } = reader.connection;
    expect(at.bench.fanOuts.budget.bytes).toBeGreaterThan(2 * MIB);
    reader.close();
    reader.send("touch");
    await at.drain(reader);
    expect(at.bench.fanOuts.budget.bytes).toBe(0);
    expect(wire.frames.length).toBeLessThan(12);
    expect(types(reader.answers)).toContain("ok");
    reader.open();
    await at.drain(reader);
    expectWhole(reader);
    const other = await throttled("bob");
    other.cut();
    expect(at.bench.fanOuts.budget.bytes).toBe(0);
  });

  it("[PART-6] [OPEN-8] stops when the document is deleted", async () => {
    const writer = await filled(2 * MIB);
    const reader = await throttled("ann");
    writer.connection.say(["c", 99, "$", "delete", { doc: "page/x" }, { born: at.bench.runtime.now() }]);
    await at.turn();
    await at.drain(reader);
    expect(reader.endedWith).toBe("deleted");
    expect(at.bench.fanOuts.budget.bytes).toBe(0);
    expect(reader.violations).toEqual([]);
  });

  it("[PART-6] [VIEW-5] [R18] starts anew when its viewer has another key: no part of the old one follows", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    writer.send("hide", { key: "g1", word: "mark-g1 ", times: 100_000 });
    writer.send("hide", { key: "g2", word: "mark-g2 ", times: 100_000 });
    await at.turn();
    const reader = await throttled("ann@g1", { doc: "book/x" });
    const { wire } = reader.connection;
    wire.takes(wire.bufferedBytes);
    await at.turn();
    const before = wire.frames.length;
    reader.auth("ann@g2");
    await at.turn();
    await at.drain(reader);
    const after = wire.frames.slice(before).flatMap(({ pieces }) => pieces.map(String));
    // What was written before the token came is under way.
    expect(after.filter((text) => text.includes("mark-g1"))).toEqual([]);
    expect(after.filter((text) => text.includes("mark-g2")).length).toBeGreaterThan(5);
    expect(reader.violations).toEqual([]);
    expect(reader.replica.position?.seq).toBe(3);
    expect(reader.partsRead).toBe(1);
  });

  it("[PART-6] [EVENT-1] [VIEW-3] is complete with its last part: what came with it is not told again", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    const reader = await at.opened("ann@g1", { doc: "book/x" });
    reader.cut();
    writer.send("say", "once");
    writer.send("hide", { key: "g2", word: "x", times: 300_000 });
    await at.turn();
    reader.who = "ann@g2";
    await reader.connect();
    const { wire } = reader.connection;
    wire.throttle();
    reader.open();
    await at.turn();
    // The last part is written, and not yet read.
    wire.takes(150_000);
    await at.bench.settle();
    await at.bench.runtime.advance(1_000);
    reader.auth("ann@g1");
    await at.bench.settle();
    await at.drain(reader);
    expect(reader.opened.map(({ mode }) => mode.join())).toEqual(["reset,reset", "resume,reset", "resume,reset"]);
    expect(reader.events.map(([, , , data]) => data)).toEqual(["once"]);
    expect(reader.replica.position?.seq).toBe(3);
  });

  it("[VIEW-3] [EVENT-1] what one layer missed comes with the last snapshot of the other", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    writer.send("fill", { key: "base", word: "x", times: 5_000 });
    await at.turn();
    const reader = await at.opened("ann@g1", { doc: "book/x" });
    for (const times of [10, 300_000]) {
      reader.cut();
      writer.send("set", { key: `after ${times}`, text: "missed" });
      writer.send("hide", { key: "g2", word: "x", times });
      await at.turn();
      reader.who = times === 10 ? "ann@g2" : "ann@g1";
      writer.send("hide", { key: "g1", word: "y", times });
      await at.turn();
      await reader.connect();
      reader.open();
      await at.turn();
      const frames = reader.connection.wire.frames.map(({ pieces }) =>
        pieces.map((piece) => String(piece).slice(0, 6)),
      );
      const behind = frames.findIndex((pieces) => pieces.some((piece) => piece.startsWith('["d"')));
      expect(frames[behind]?.[0]).toMatch(times === 10 ? /^\["snap/ : /^\["part/);
      expect(
        frames
          .slice(behind + 1)
          .flat()
          .filter((piece) => /snap|part/.test(piece)),
      ).toEqual([]);
      expect(reader.violations).toEqual([]);
      expect(reader.replica.position?.seq).toBe(at.rows("book").length);
    }
  });

  it("[PART-7] [R14] has room among the others, or waits until there is some", async () => {
    const writer = await filled(3 * MIB);
    const readers: Viewer[] = [];
    const each = 3 * MIB;
    for (let n = 0; n < LIMITS.transferBytesMax / each + 4; n += 1) {
      readers.push(await throttled(`reader ${n}`));
      writer.send("append", { key: "b", text: "more " });
      await at.turn();
      expect(at.bench.fanOuts.budget.bytes).toBeLessThanOrEqual(LIMITS.transferBytesMax);
    }
    expect(at.bench.fanOuts.budget.isWanted).toBe(true);
    for (const reader of readers) await at.drain(reader);
    for (const reader of readers) await at.drain(reader);
    expectWhole(...readers);
    expect(at.bench.fanOuts.budget.bytes).toBe(0);
  });

  it("[PART-7] gives its room away while its peer takes nothing", async () => {
    const writer = await filled(3 * MIB);
    const stopped: Viewer[] = [];
    for (let n = 0; !at.bench.fanOuts.budget.isWanted; n += 1) {
      stopped.push(await throttled(`reader ${n}`));
      writer.send("append", { key: "b", text: "more " });
      await at.turn();
    }
    const healthy = await at.opened("ann");
    expect(healthy.compared).toBe(0);
    await at.bench.runtime.advance(7_000);
    await at.turn();
    expectWhole(healthy);
    for (const reader of stopped) await at.drain(reader);
    expectWhole(...stopped);
  });

  it("[PART-4] is begun again when the log no longer reaches from it to the head", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    writer.send("fill", { key: "a", word: "x", times: 900_000 });
    await at.turn();
    const reader = await throttled("ann", { doc: "book/x" });
    for (let n = 0; n < 7; n += 1) {
      writer.send("fill", { key: "b", word: String(n), times: 900_000 });
      await at.turn();
    }
    await at.drain(reader);
    expect(reader.opened.map(({ mode }) => mode.join())).toEqual(["reset,reset", "reset,resume"]);
    expect(reader.violations).toEqual([]);
    expect(reader.replica.position?.seq).toBe(9);
  });
});
