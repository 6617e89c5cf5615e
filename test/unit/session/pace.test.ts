import { type Codec, jsonCodec, LIMITS, msgpackCodec, type ServerMessage } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { StreamBench } from "../../support/stream-bench.js";
import type { Viewer } from "../../support/viewer.js";

let at: StreamBench;

beforeEach(() => {
  at = new StreamBench();
});

const READ = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax, parts: true };

/** The deltas that change something, of all that a viewer's socket was sent. */
function deltas(viewer: Viewer): Extract<ServerMessage, readonly ["d", ...unknown[]]>[] {
  const messages = viewer.connection.wire.frames.flatMap(
    ({ codec, pieces }) => codec.decode(codec.join(pieces), READ) as unknown as ServerMessage[],
  );
  return messages.flatMap((message) =>
    message[0] === "d" && (message[4].length > 0 || message[5]?.ev !== undefined) ? [message] : [],
  );
}

const bytesOf = (viewer: Viewer): number => viewer.connection.wire.frames.reduce((sum, { bytes }) => sum + bytes, 0);

async function write(writer: Viewer, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    writer.send("append", { key: "a", text: `${n} ` });
    writer.send("set", { key: `k${n % 3}`, text: `${n}` });
    await at.turn();
  }
}

function expectAtHead(viewer: Viewer, type = "page"): void {
  expect(viewer.violations).toEqual([]);
  expect(viewer.replica.position?.seq).toBe(at.rows(type).length);
}

describe.each<Codec>([jsonCodec, msgpackCodec])("a pace ($name)", (codec) => {
  it("[PACE-1] [PACE-2] [R3] merges what happens between its beats: fewer messages, fewer bytes, the same state", async () => {
    const writer = await at.opened("writer");
    const each = await at.opened("ann", { codec });
    const paced = await at.opened("bob", { codec, every: 100 });
    for (let beat = 0; beat < 5; beat += 1) {
      await write(writer, 20);
      expect(paced.violations).toEqual([]);
      await at.pass(100);
      expectAtHead(paced);
    }
    expect(deltas(each).length).toBeGreaterThanOrEqual(100);
    // The first at once, then one at each beat.
    expect(deltas(paced)).toHaveLength(6);
    expect(bytesOf(paced)).toBeLessThan(bytesOf(each) / 3);
    expect(paced.state).toEqual(each.state);
  });

  it("[PACE-2] [EVENT-1] hears every event once, in order", async () => {
    const writer = await at.opened("writer");
    const each = await at.opened("ann", { codec });
    const paced = await at.opened("bob", { codec, every: 100 });
    for (let n = 0; n < 30; n += 1) {
      writer.send("say", `word ${n}`);
      writer.send(n % 2 === 0 ? "touch" : "say", n % 2 === 0 ? null : `again ${n}`);
      await at.pass(n % 7 === 0 ? 30 : 1);
    }
    await at.pass(100);
    expect(paced.events).toEqual(each.events);
    expect(paced.events).toHaveLength(45);
    expectAtHead(paced);
  });

  it("[PACE-3] [REQ-2] is sent its own commit at once, and goes on from there", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { codec, every: 1_000 });
    const other = await at.opened("cid", { codec, every: 1_000 });
    await write(writer, 1);
    await write(writer, 5);
    paced.send("set", { key: "mine", text: "at once" });
    await at.turn();
    expect(paced.answers).toHaveLength(1);
    expectAtHead(paced);
    expect(other.replica.position?.seq).toBeLessThan(at.rows("page").length);
    await write(writer, 5);
    const before = deltas(paced).length;
    await at.pass(1_000);
    expectAtHead(paced);
    expectAtHead(other);
    expect(deltas(paced).length).toBe(before + 1);
  });

  it("[PACE-3] an answer that rests on nothing new makes nothing come sooner", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { codec, every: 1_000 });
    await write(writer, 3);
    const before = deltas(paced).length;
    paced.connection.say(["c", 900, "page/x", "$head", null, { born: at.bench.runtime.now(), q: 1 }]);
    paced.connection.say(["c", 901, "page/x", "nothing", null, { born: at.bench.runtime.now() }]);
    await at.turn();
    expect(paced.answers.map(([type]) => type)).toEqual(["ok", "no"]);
    expect(deltas(paced)).toHaveLength(before);
  });

  it("[PACE-4] [HEAD-1] heads state what was sent, not what waits", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { codec, every: 15_000 });
    await write(writer, 3);
    await at.pass(LIMITS.pingIntervalMs);
    expect(paced.violations).toEqual([]);
    const held = paced.replica.position?.seq;
    expect(held).toBeLessThan(at.rows("page").length);
    paced.connection.say(["ping", 3, []]);
    await at.turn();
    expect(paced.violations).toEqual([]);
    expect(paced.replica.position?.seq).toBe(held);
    for (let s = 0; s < 15; s += 5) await at.pass(5_000);
    expectAtHead(paced);
  });

  it("[PACE-4] [VIEW-5] [R18] shows the group of a refreshed token, and nothing of the old one that waited", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    const paced = await at.opened("bob@g1", { doc: "book/x", codec, every: 1_000 });
    writer.send("set", { key: "a", text: "first" });
    await at.turn();
    writer.send("set", { key: "a", text: "waits" });
    writer.send("hide", { key: "g1", word: "secret-of-g1", times: 1 });
    await at.turn();
    paced.auth("bob@g2");
    await at.turn();
    expectAtHead(paced, "book");
    expect(paced.frames.join("")).not.toContain("secret-of-g1");
  });

  it("[PACE-1] [PACE-2] [VIEW-3] keeps both layers of a view together", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    const paced = await at.opened("bob@g1", { doc: "book/x", codec, every: 100 });
    for (let n = 0; n < 40; n += 1) {
      writer.send("set", { key: `k${n % 3}`, text: `${n}` });
      if (n % 3 === 0) writer.send("hide", { key: "g1", word: `${n} `, times: 3 });
      if (n % 5 === 0) paced.send("append", { key: "own", text: `${n} ` });
      await at.pass(n % 4 === 0 ? 60 : 1);
    }
    await at.pass(100);
    expectAtHead(paced, "book");
    expect(paced.compared).toBeGreaterThan(10);
  });

  it("[PACE-1] is its type's for whoever asks for none, and 0 is every commit", async () => {
    const writer = await at.opened("writer", { doc: "slowPage/x", every: 0 });
    const paced = await at.opened("bob", { doc: "slowPage/x", codec });
    const faster = await at.opened("cid", { doc: "slowPage/x", codec, every: 50 });
    for (let n = 0; n < 10; n += 1) {
      writer.send("set", { key: "a", text: `${n}` });
      await at.pass(20);
    }
    expect(deltas(writer)).toHaveLength(10);
    expect(deltas(paced)).toHaveLength(1);
    expect(deltas(faster)).toHaveLength(5);
    await at.pass(500);
    for (const viewer of [writer, paced, faster]) expectAtHead(viewer, "slowPage");
  });
});

describe("paces", () => {
  it("[PACE-1] the first change after a quiet time goes out at once", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { every: 1_000 });
    await at.pass(5_000);
    await write(writer, 1);
    expect(paced.replica.position?.seq).toBe(at.rows("page").length);
    await at.pass(5_000);
    await write(writer, 1);
    expect(paced.replica.position?.seq).toBe(at.rows("page").length);
    expectAtHead(paced);
  });

  it("[PACE-5] have the same bytes for all who stand at the same place", async () => {
    const writer = await at.opened("writer");
    const readers = [await at.opened("ann", { every: 100 }), await at.opened("bob", { every: 100 })];
    await write(writer, 10);
    const joined = await at.opened("cid", { every: 100 });
    await write(writer, 10);
    await at.pass(100);
    await write(writer, 10);
    await at.pass(100);
    const [one, other] = readers.map((viewer) =>
      viewer.connection.wire.frames.filter(({ bytes }) => bytes > 60).slice(-3),
    );
    expect(one?.length).toBe(3);
    for (const [index, frame] of (one ?? []).entries()) expect(other?.[index]).toBe(frame);
    expect(joined.connection.wire.frames.at(-1)).toBe(one?.at(-1));
    for (const viewer of [...readers, joined]) expectAtHead(viewer);
  });

  it("[PACE-5] [R14] what is too much even when it is merged marks those who wait for it", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { every: 10_000 });
    const hurried = await at.opened("cid", { every: 10_000 });
    for (let n = 0; n < 30; n += 1) {
      writer.send("fill", { key: `k${n}`, word: "x", times: 50_000 });
      await at.turn();
      if (n === 28) hurried.send("touch");
    }
    await at.turn();
    expect(paced.replica.position?.seq).toBeGreaterThan(20);
    await at.pass(10_000);
    for (const viewer of [paced, hurried]) expectAtHead(viewer);
  });

  it("[PACE-2] [R14] what is overwritten again and again is kept once, however much it was", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { every: 10_000 });
    await write(writer, 1);
    for (let n = 0; n < 60; n += 1) {
      writer.send("fill", { key: "a", word: String(n % 10), times: 50_000 });
      await at.turn();
    }
    expect(deltas(paced)).toHaveLength(1);
    await at.pass(10_000);
    expectAtHead(paced);
    expect(deltas(paced)).toHaveLength(2);
    expect(paced.opened).toHaveLength(1);
  });

  it("[PACE-1] [R14] are bounded in number: the next faster one has to do", async () => {
    const writer = await at.opened("writer");
    for (let n = 1; n <= LIMITS.pacesMax; n += 1) {
      const viewer = await at.opened(`reader ${n}`, { every: n * 100 });
      viewer.cut();
    }
    const between = await at.opened("ann", { every: 250 });
    const fastest = await at.opened("bob", { every: 10 });
    const slowest = await at.opened("cid", { every: 1_000_000 });
    await write(writer, 1);
    for (let n = 0; n < 40; n += 1) {
      writer.send("set", { key: "a", text: `${n}` });
      await at.pass(100);
    }
    const counts = [fastest, between, slowest].map((viewer) => deltas(viewer).length);
    expect(counts[0]).toBeGreaterThan(39);
    expect(counts[1]).toBeGreaterThan(18);
    expect(counts[1]).toBeLessThan(24);
    expect(counts[2]).toBeLessThan(5);
  });

  it("[PACE-1] end with their subscription", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { every: 100 });
    await write(writer, 2);
    paced.close();
    const before = paced.connection.wire.frames.length;
    await at.pass(1_000);
    expect(paced.connection.wire.frames).toHaveLength(before);
    paced.open();
    await write(writer, 2);
    await at.pass(100);
    expectAtHead(paced);
  });

  it("[SLOW-1] [SLOW-2] [PACE-1] a slow reader at a pace is brought up to date", async () => {
    const writer = await at.opened("writer");
    const paced = await at.opened("bob", { every: 100 });
    paced.connection.wire.throttle();
    for (let n = 0; n < 30; n += 1) {
      writer.send("fill", { key: `k${n % 3}`, word: String(n % 10), times: 100_000 });
      await at.pass(120);
    }
    expect(paced.connection.wire.peakBytes).toBeLessThanOrEqual(LIMITS.outboundSoftBytes);
    await at.drain(paced);
    await at.pass(100);
    expectAtHead(paced);
  });

  it("[PACE-2] says who wrote only when it was one author", async () => {
    const { mergedDelta } = await import("../../../src/session/merged-delta.js");
    const delta = (seq: number, by: string | undefined) => {
      const [prev, to] = [seq - 1, seq].map((each) => ({ epoch: 1, seq: each }));
      return { prev: prev ?? expect.fail(), to: to ?? expect.fail(), at: seq, operations: "[]", events: [], by };
    };
    expect(mergedDelta([delta(1, "ann"), delta(2, "ann")])).toMatchObject({ by: "ann", at: 2, to: { seq: 2 } });
    expect(mergedDelta([delta(1, "ann"), delta(2, "bob")]).by).toBeUndefined();
    expect(mergedDelta([delta(1, "ann"), delta(2, undefined)]).by).toBeUndefined();
  });
});
