import { CLOSE, type Codec, jsonCodec, LIMITS, msgpackCodec, type ServerMessage } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { StreamBench } from "../../support/stream-bench.js";
import type { Viewer } from "../../support/viewer.js";

let at: StreamBench;

beforeEach(() => {
  at = new StreamBench();
});

const types = (messages: readonly ServerMessage[]): string[] => messages.map(([type]) => type);

let written = 0;

/** Deltas of about 100 KB each, a turn for each. */
async function write(writer: Viewer, count: number, key = "a"): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    written += 1;
    writer.send("fill", { key, word: String(written % 10), times: 100_000 });
    await at.turn();
  }
}

/** Somebody who follows and has stopped reading. */
async function stopped(who: string, options: Parameters<StreamBench["viewer"]>[1] = {}): Promise<Viewer> {
  const reader = await at.opened(who, options);
  reader.connection.wire.throttle();
  return reader;
}

function expectAtHead(viewer: Viewer, type = "page"): void {
  expect(viewer.violations).toEqual([]);
  expect(viewer.replica.position?.seq).toBe(at.rows(type).length);
  expect(viewer.replica.whole).toBe(true);
}

describe.each<Codec>([jsonCodec, msgpackCodec])("a reader that stops ($name)", (codec) => {
  it("[SLOW-1] [SLOW-5] [R14] is queued no more than 1 MiB, and nobody else notices", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann", { codec });
    const healthy = await at.opened("bob", { codec });
    await write(writer, 30);
    expect(reader.connection.wire.bufferedBytes).toBeLessThanOrEqual(LIMITS.outboundSoftBytes);
    expect(reader.connection.wire.bufferedBytes).toBeGreaterThan(LIMITS.outboundSoftBytes - 110_000);
    expectAtHead(healthy);
    expect(healthy.opened).toHaveLength(1);
    expectAtHead(writer);
    await at.drain(reader);
    expectAtHead(reader);
    expect(reader.connection.wire.closed).toBeUndefined();
  });

  it("[SLOW-2] [R3] goes on by deltas when that is shorter", async () => {
    const writer = await at.opened("writer");
    await write(writer, 20, "large enough");
    for (let n = 0; n < 20; n += 1) writer.send("fill", { key: `k${n}`, word: "x", times: 100_000 });
    await at.turn();
    const reader = await stopped("ann", { codec });
    await at.drain(reader);
    reader.connection.wire.throttle();
    await write(writer, 14);
    await at.drain(reader);
    expectAtHead(reader);
    expect(reader.opened).toHaveLength(1);
  });

  it("[SLOW-2] [EVENT-2] [R3] goes on by a snapshot when that is shorter, and hears every event once", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann", { codec });
    const healthy = await at.opened("bob", { codec });
    for (let n = 0; n < 30; n += 1) {
      writer.send("say", `word ${n}`);
      await write(writer, 1);
    }
    await at.drain(reader);
    expectAtHead(reader);
    expect(reader.opened.at(-1)?.mode).toEqual(["reset"]);
    expect(reader.opened.length).toBeGreaterThan(1);
    expect(reader.gaps).toBe(0);
    expect(reader.events.map(([seq, , , data]) => [seq, data])).toEqual(
      healthy.events.map(([seq, , , data]) => [seq, data]),
    );
    expect(reader.events).toHaveLength(30);
  });

  it("[SLOW-3] is left out of heads, and its answers wait while others' do not", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann", { codec });
    await write(writer, 15);
    reader.send("append", { key: "b", text: "mine" });
    reader.connection.say(["c", 70, "page/other", "touch", null, { born: at.bench.runtime.now() }]);
    reader.connection.say(["c", 71, "$", "create", { doc: "page/other" }, { born: at.bench.runtime.now() }]);
    reader.connection.say(["ping", 7, []]);
    await at.turn();
    const wrote = types(
      reader.connection.wire.frames.flatMap(({ pieces }) => codec.decode(codec.join(pieces), READ)) as never,
    );
    const last = wrote.slice(wrote.lastIndexOf("d") + 1);
    expect(last.sort()).toEqual(["no", "ok", "pong"]);
    await at.drain(reader);
    expect(types(reader.answers).filter((type) => type === "ok")).toHaveLength(2);
    expectAtHead(reader);
    await at.bench.runtime.advance(LIMITS.pingIntervalMs);
    await at.turn();
    expectAtHead(reader);
  });

  it("[SLOW-2] [VIEW-3] [VIEW-8] sees both layers of a view together", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    const reader = await stopped("ann@g1", { doc: "book/x", codec });
    for (let n = 0; n < 15; n += 1) {
      writer.send("hide", { key: "g1", word: `${n} `, times: 10 });
      await write(writer, 1);
    }
    await at.drain(reader);
    expectAtHead(reader, "book");
    reader.connection.wire.throttle();
    await write(writer, 12);
    writer.send("hide", { key: "g1", word: "last ", times: 10 });
    await at.turn();
    await at.drain(reader);
    expectAtHead(reader, "book");
  });

  it("[SLOW-2] [VIEW-5] [R18] sees the view of its new key alone when its token was refreshed meanwhile", async () => {
    const writer = await at.opened("writer", { doc: "book/x" });
    const reader = await stopped("ann@g1", { doc: "book/x", codec });
    await write(writer, 15);
    writer.send("hide", { key: "g1", word: "secret-of-g1", times: 1 });
    await at.turn();
    reader.auth("ann@g2");
    await at.turn();
    await at.drain(reader);
    expectAtHead(reader, "book");
    expect(reader.frames.join("")).not.toContain("secret-of-g1");
  });
});

const READ = { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax, parts: true };

describe("slow readers", () => {
  it("[SLOW-1] [SLOW-2] stay within the limit while their peer reads a little now and then, and get there", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    const { wire } = reader.connection;
    for (let n = 0; n < 60; n += 1) {
      await write(writer, 1);
      wire.takes(70_000);
      await at.turn();
      expect(wire.bufferedBytes).toBeLessThanOrEqual(LIMITS.outboundSoftBytes);
    }
    await at.drain(reader);
    expectAtHead(reader);
    expect(reader.compared).toBeGreaterThan(20);
  });

  it("[SLOW-1] are sent what comes when nothing is unsent, however large it is", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    writer.send("fill", { key: "a", word: "🌊", times: 260_000 });
    await at.turn();
    expect(reader.connection.wire.bufferedBytes).toBeGreaterThan(1_030_000);
    writer.send("touch");
    writer.send("append", { key: "b", text: "x" });
    await at.turn();
    await at.drain(reader);
    expectAtHead(reader);
    expect(reader.opened).toHaveLength(1);
  });

  it("[SLOW-1] [OPEN-5] [R14] a long replay is sent on as its peer takes it", async () => {
    const writer = await at.opened("writer");
    for (let n = 0; n < 40; n += 1) writer.send("fill", { key: `k${n}`, word: "é", times: 45_000 });
    await at.turn();
    const reader = await at.opened("ann");
    reader.cut();
    for (let n = 0; n < 30; n += 1) writer.send("fill", { key: "a", word: ["🌊", "é"][n % 2] ?? "", times: 20_000 });
    await at.turn();
    await reader.connect();
    reader.connection.wire.throttle();
    reader.open();
    await at.turn();
    expect(reader.opened).toHaveLength(1);
    await at.drain(reader);
    expect(reader.opened.map(({ mode }) => mode.join())).toEqual(["reset", "resume"]);
    expect(reader.connection.wire.peakBytes).toBeLessThan(LIMITS.outboundAheadBytes + LIMITS.frameFlushBytes + 100_000);
    expectAtHead(reader);
  });

  it("[SLOW-1] a healthy reader is not marked by a burst that its socket takes", async () => {
    const writer = await at.opened("writer");
    const reader = await at.opened("ann");
    for (let n = 0; n < 30; n += 1) writer.send("fill", { key: "a", word: String(n % 10), times: 100_000 });
    await at.turn();
    expectAtHead(reader);
    expect(reader.opened).toHaveLength(1);
  });

  it("[SLOW-4] [CLOSE-3] are closed with 4001 when they take nothing for 60 s", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 15);
    for (let s = 0; s < 59; s += 1) await beat(reader);
    expect(reader.connection.wire.closed).toBeUndefined();
    for (let s = 0; s < 3; s += 1) await beat(reader);
    expect(reader.connection.wire.closed).toEqual({ code: CLOSE.slowReader, reason: "slow_reader" });
  });

  it("[SLOW-4] are not closed while they take something, however little", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 15);
    for (let s = 0; s < 300; s += 1) {
      if (s % 50 === 49) reader.connection.wire.takes(2_000);
      await beat(reader);
    }
    expect(reader.connection.wire.closed).toBeUndefined();
    await at.drain(reader);
    expectAtHead(reader);
  });

  it("[SLOW-4] a connection whose streams wait for nothing is not closed, though it takes nothing", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 3);
    for (let s = 0; s < 100; s += 1) await beat(reader);
    expect(reader.connection.wire.closed).toBeUndefined();
  });

  it("[CLOSE-3] [R14] are closed with 4001 past 16 MiB, whatever it is that waits", async () => {
    const writer = await at.opened("writer");
    for (let n = 0; n < 8; n += 1) writer.send("fill", { key: `k${n}`, word: "x", times: 400_000 });
    await at.turn();
    const reader = at.viewer("ann");
    await reader.connect();
    reader.connection.wire.throttle();
    for (let n = 1; n <= 6; n += 1) {
      reader.connection.say(["c", n, "$", "get", { doc: "page/x" }, { born: at.bench.runtime.now() }]);
      await at.turn();
    }
    expect(reader.connection.wire.closed).toEqual({ code: CLOSE.slowReader, reason: "slow_reader" });
    expect(reader.connection.wire.peakBytes).toBeLessThan(LIMITS.outboundHardBytes + 4 * 1_048_576);
    expectAtHead(writer);
  });

  it("[SLOW-5] cost their document nothing once they are marked", async () => {
    let encoded = 0;
    const codec: Codec<string> = {
      ...jsonCodec,
      encodeDelta(delta) {
        encoded += 1;
        return jsonCodec.encodeDelta(delta);
      },
    };
    const writer = at.viewer("writer");
    await writer.connect();
    const readers = [await stopped("ann", { codec }), await stopped("bob", { codec })];
    writer.open();
    await write(writer, 12);
    const before = encoded;
    await write(writer, 20);
    expect(encoded).toBe(before);
    for (const reader of readers) await at.drain(reader);
    for (const reader of readers) expectAtHead(reader);
  });

  it("[SLOW-1] [SLOW-2] [R14] many streams of one connection wait in turn", async () => {
    const writer = await at.opened("writer");
    const reader = at.viewer("ann");
    await reader.connect();
    const { connection } = reader;
    for (let s = 1; s <= 40; s += 1) connection.say(["open", { s, doc: `page/${s}`, create: true }]);
    await at.turn();
    connection.wire.throttle();
    const born = at.bench.runtime.now();
    const fill = (n: number, doc: number) =>
      writer.connection.say(["c", n, `page/${doc}`, "fill", { key: "a", word: "x", times: 90_000 }, { born }]);
    for (let n = 0; n < 80; n += 1) fill(1_000 + n, 1 + (n % 40));
    await at.turn();
    expect(connection.wire.bufferedBytes).toBeLessThanOrEqual(LIMITS.outboundSoftBytes);
    await at.drain(reader, 50_000);
    await at.bench.runtime.advance(LIMITS.pingIntervalMs);
    await at.drain(reader);
    expect(connection.wire.peakBytes).toBeLessThanOrEqual(LIMITS.outboundSoftBytes);
    const heads = reader.answers.length;
    expect(heads).toBe(0);
    const pings = connection.wire.frames
      .flatMap(({ pieces }) => jsonCodec.decode(jsonCodec.join(pieces.map(String)), READ))
      .filter((message) => Array.isArray(message) && message[0] === "ping");
    const [, , last] = pings.at(-1) as [string, number, number[]];
    expect(last.filter((_, index) => index % 3 === 2)).toEqual(Array.from({ length: 40 }, () => 3));
  });

  it("[SLOW-2] [OPEN-8] one whose document is deleted meanwhile is told", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 15);
    writer.connection.say(["c", 99, "$", "delete", { doc: "page/x" }, { born: at.bench.runtime.now() }]);
    await at.turn();
    await at.drain(reader);
    expect(reader.endedWith).toBe("deleted");
    expect(reader.violations).toEqual([]);
  });

  it("[SLOW-2] [REQ-2] one that closes gets the answers that waited", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 15);
    reader.send("touch");
    await at.turn();
    reader.close();
    await at.drain(reader);
    expect(types(reader.answers)).toEqual(["ok"]);
    expect(reader.violations).toEqual([]);
  });

  it("[SLOW-3] [R14] [REQ-1] no more answers wait than a client may have calls in flight", async () => {
    const writer = await at.opened("writer");
    const reader = await stopped("ann");
    await write(writer, 15);
    for (let n = 0; n < LIMITS.inFlightMax; n += 1) reader.send("touch");
    await at.turn();
    expect(reader.connection.wire.closed).toBeUndefined();
    reader.send("touch");
    await at.turn();
    expect(reader.connection.wire.closed).toEqual({ code: CLOSE.overloaded, reason: "limit_reached" });
  });
});

/** A second passes; the client is heard of. */
async function beat(reader: Viewer): Promise<void> {
  reader.connection.wire.receivedBytes += 1;
  await at.bench.runtime.advance(1_000);
  await at.turn();
}
