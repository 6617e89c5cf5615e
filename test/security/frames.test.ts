// Attacks by bytes: frames, their contents and the handshake before them, on a real server by real sockets. A bystander is
// served meanwhile and after each.
import { fileURLToPath } from "node:url";
import { deflateRawSync, gzipSync } from "node:zlib";
import { CLOSE, type Codec, type Json, jsonCodec, LIMITS, msgpackCodec } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AttackedServer, helloOf } from "../support/attacked-server.js";
import { ask, BINARY, CLOSING, frame, PING, PONG, type RawFrames, TEXT } from "../support/raw-frames.js";

const APP = fileURLToPath(new URL("./apps/ledger.ts", import.meta.url));
const BROKEN = 1002;
const PAST_ALL = 1009;
/** First bytes of frames that go on, and that begin without an end. */
const [MORE, LAST, BEGUN] = [0x00, 0x80, 0x01];
/** In the first byte: compressed, as an extension would say that was not agreed on. */
const COMPRESSED = 0x40;
/** What a socket is read at all; the words for what is larger than one may send need the frame. */
const READ_BYTES_MAX = 2 * LIMITS.frameBytesMax;

let attacked: AttackedServer;
beforeAll(async () => {
  attacked = await AttackedServer.start({ app: APP });
});
afterEach(() => attacked.after());
afterAll(() => attacked.stop());

/** The socket ends with this code, and `about` what, if there were words. */
async function ends(socket: RawFrames, closeCode: number, code?: string): Promise<void> {
  expect(await socket.closed).toBe(closeCode);
  expect(socket.of("err").map(([, fault]) => Reflect.get(Object(fault), "code"))).toEqual(
    code === undefined ? [] : [code],
  );
}

describe("a frame", () => {
  it.each([
    ["a byte more than is read", READ_BYTES_MAX + 1],
    ["4 GiB", 2 ** 32],
    ["all there are of 64 bits", 2n ** 64n - 1n],
  ])("[S19] [R19] that announces %s is refused at its head", async (_what, announces) => {
    const socket = await attacked.enter("mal");
    await socket.send(frame(TEXT, "[", { announces }));
    await ends(socket, PAST_ALL);
  });

  it("[S19] [FRAME-3] of a byte more than one may send is refused in words", async () => {
    for (const codec of [jsonCodec, msgpackCodec]) {
      const socket = await attacked.enter("mal", codec);
      const head = codec === jsonCodec ? TEXT : BINARY;
      await socket.send(frame(head, Buffer.alloc(LIMITS.frameBytesMax + 1, 0x20)));
      await ends(socket, CLOSE.tooLarge, "too_large");
    }
  });

  it("[S19] [R16] of a stranger is refused past a greeting's size, whatever it would have been", async () => {
    const socket = await attacked.socket();
    await socket.send(frame(TEXT, "[", { announces: LIMITS.helloBytesMax + 1 }));
    await ends(socket, CLOSE.tooLarge, "too_large");
  });

  it("[S19] [R14] that is announced by a thousand and sent by nobody holds no memory", async () => {
    const before = attacked.residentBytes();
    for (let n = 0; n < 200; n += 1) {
      const socket = await attacked.enter("mal");
      await socket.send(frame(TEXT, "[", { announces: LIMITS.frameBytesMax }));
      await attacked.isServed();
    }
    expect(attacked.residentBytes() - before).toBeLessThan(100 * 2 ** 20);
  });

  it("[S18] [R14] in fragments without an end is refused where a whole one would be", async () => {
    const socket = await attacked.enter("mal");
    await socket.send(frame(BEGUN, "["));
    const fragment = frame(MORE, " ".repeat(65_000));
    for (let n = 0; n < 40; n += 1) await socket.send(fragment);
    await ends(socket, PAST_ALL);
  });

  it("[S18] [R14] in a hundred thousand fragments of nothing costs nobody anything, and is read in the end", async () => {
    const socket = await attacked.enter("mal");
    await socket.send(frame(BEGUN, '[["ping",7'));
    const nothing = Buffer.concat(Array.from({ length: 1_000 }, () => frame(MORE)));
    for (let n = 0; n < 100; n += 1) {
      await socket.send(nothing);
      if (n % 25 === 0) await attacked.isServed();
    }
    await socket.send(frame(LAST, ",[]]]"));
    expect((await socket.hears("pong"))[0]).toEqual(["pong", 7, []]);
  });

  it.each([
    ["a fragment of nothing", frame(LAST, "x")],
    ["a new message within another", Buffer.concat([frame(BEGUN, "["), frame(TEXT, "[]")])],
    ["a ping in fragments", frame(PING & 0x7f, "x")],
    ["a ping of 126 bytes", frame(PING, "x".repeat(126))],
    ["a ping that announces 2 GiB", frame(PING, "x", { announces: 2 ** 31 })],
    ["a close of one byte", frame(CLOSING, "x")],
    ["a close with a code of nobody", frame(CLOSING, Buffer.of(0, 99))],
    ["a close with a code that is never sent", frame(CLOSING, Buffer.of(0x03, 0xee))],
    ["an unused opcode", frame(0x83, "x")],
    ["an unused opcode of control", frame(0x8b, "x")],
  ])("[S18] [R19] that is %s ends its connection", async (_what, bytes) => {
    const socket = await attacked.enter("mal");
    await socket.send(bytes);
    await ends(socket, BROKEN);
  });

  it("[S20] that is not masked ends its connection, before and after the greeting", async () => {
    const greeting = JSON.stringify([helloOf("user:mal")]);
    const stranger = await attacked.socket();
    await stranger.send(frame(TEXT, greeting, { masked: false }));
    await ends(stranger, BROKEN);
    expect(stranger.heard).toEqual([]);
    const known = await attacked.enter("mal");
    await known.send(frame(TEXT, '[["ping",1,[]]]', { masked: false }));
    await ends(known, BROKEN);
  });

  it.each([
    ["a byte that never is", [0xff]],
    ["a slash that is too long", [0xc0, 0xaf]],
    ["half a pair", [0xed, 0xa0, 0x80]],
    ["what is past Unicode", [0xf4, 0x90, 0x80, 0x80]],
    ["a character that is cut", [0xe2, 0x82]],
  ])("[S20] [FRAME-4] with %s for UTF-8 ends its connection, whole and in fragments", async (_what, bytes) => {
    const [before, after] = [Buffer.from('[["ping",1,[],{"stats":{"'), Buffer.from('":1}}]]')];
    const whole = await attacked.enter("mal");
    await whole.send(frame(TEXT, Buffer.concat([before, Buffer.from(bytes), after])));
    await ends(whole, CLOSE.protocolError, "protocol_error");
    const cut = await attacked.enter("mal");
    await cut.send(frame(BEGUN, before));
    for (const byte of bytes) await cut.send(frame(MORE, Buffer.of(byte)));
    await cut.send(frame(LAST, after));
    await ends(cut, CLOSE.protocolError, "protocol_error");
    const packed = await attacked.enter("mal", msgpackCodec);
    await packed.send(frame(BINARY, Buffer.from([0x92, 0xa0 + bytes.length, ...bytes, 0x01])));
    await ends(packed, CLOSE.protocolError, "protocol_error");
  });
});

describe("control frames", () => {
  it("[S18] [R14] [R16] floods of pings whose answers nobody reads hold no memory", async () => {
    const [stranger, known] = [await attacked.socket(), await attacked.enter("mal")];
    const before = attacked.residentBytes();
    const flood = (payload: string): Buffer =>
      Buffer.concat(Array.from({ length: 10_000 }, () => frame(PING, payload)));
    // The large ones fill what the system holds, the small ones cost most of what a server does.
    const [large, small] = [flood("x".repeat(125)), flood("")];
    for (const socket of [stranger, known]) {
      socket.tcp.pause();
      for (let n = 0; n < 6; n += 1) await socket.send(large);
      for (let n = 0; n < 50; n += 1) await socket.send(small);
      await attacked.isServed();
    }
    expect(attacked.residentBytes() - before).toBeLessThan(60_000_000);
    // The last one is owed an answer all the same.
    await known.send(frame(PING, "the last"));
    known.tcp.resume();
    await expect.poll(() => String(known.pongs.at(-1)), { timeout: 10_000 }).toBe("the last");
  });

  it("[S18] a flood of pongs that nobody asked for is heard by nobody", async () => {
    const socket = await attacked.enter("mal");
    const pongs = Buffer.concat(Array.from({ length: 10_000 }, () => frame(PONG, "x".repeat(125))));
    for (let n = 0; n < 10; n += 1) {
      await socket.send(pongs);
      await attacked.isServed();
    }
    await socket.settled();
    expect(socket.heard.map(([type]) => type)).toEqual(["welcome", "pong"]);
  });

  it("[S18] nothing that comes after a close frame is done", async () => {
    const socket = await attacked.owner("mal-after-close");
    const call = JSON.stringify([["c", 1, 1, "add", { by: 1_000 }, { born: Date.now() }]]);
    await socket.send(frame(CLOSING, Buffer.of(0x03, 0xe8)), frame(TEXT, call));
    await socket.closed;
    const later = await attacked.owner("mal-after-close");
    expect((await later.hears("snap"))[0]?.[4]).toMatchObject({ total: 0 });
  });
});

describe("compression", () => {
  it("[S17] is not agreed to, whoever offers it and however", async () => {
    for (const offer of [
      "permessage-deflate",
      "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
      "permessage-deflate, x-webkit-deflate-frame, permessage-bzip2",
    ]) {
      const { answer, tcp } = await ask(attacked.url, { headers: [`Sec-WebSocket-Extensions: ${offer}`] });
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer.toLowerCase()).not.toContain("sec-websocket-extensions");
      tcp.destroy();
    }
  });

  it("[S17] a bomb in a frame that says it is compressed is not unpacked", async () => {
    const socket = await attacked.enter("mal");
    // 10 MB of zeros, deflated.
    const bomb = deflateRawSync(Buffer.alloc(10_000_000));
    await socket.send(frame(TEXT | COMPRESSED, bomb));
    await ends(socket, BROKEN);
  });

  it("[S17] bodies that say they are compressed are not unpacked, and answers are never compressed", async () => {
    const headers = { authorization: "Bearer user:mal", "content-type": "application/json" };
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    const before = attacked.residentBytes();
    for (const encoding of ["gzip", "deflate", "br", "gzip, gzip"]) {
      const answer = await fetch(`${attacked.url}/v1/docs/ledger/mal-1/add`, {
        ...{ method: "POST", body: bomb },
        headers: { ...headers, "content-encoding": encoding },
      });
      expect([400, 415]).toContain(answer.status);
    }
    expect(attacked.residentBytes() - before).toBeLessThan(40_000_000);
    const answer = await fetch(`${attacked.url}/v1/whoami`, { headers: { ...headers, "accept-encoding": "gzip, br" } });
    expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, null]);
  });
});

/** A message in msgpack with a value of these bytes where anything may be: the input of a call. */
const calling = (value: readonly number[]): Buffer =>
  Buffer.concat([
    Buffer.of(0x96, 0xa1, 0x63, 0x01),
    Buffer.of(0xac, ...Buffer.from("ledger/mal-1")),
    Buffer.of(0xa4, ...Buffer.from("note")),
    Buffer.of(0x82, 0xa4, ...Buffer.from("name"), 0xa1, 0x6e, 0xa5, ...Buffer.from("value")),
    Buffer.from(value),
    Buffer.of(0x81, 0xa4, ...Buffer.from("born"), 0x01),
  ]);
const PROTO = Buffer.from("__proto__");

describe("msgpack", () => {
  it.each([
    ["a list of four billion", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a map of four billion", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["text of four billion bytes", [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ["bytes of four billion", [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ["an extension of four billion bytes", [0xc9, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ["text of 65,535 bytes", [0xda, 0xff, 0xff, 0x78]],
    ["a map that borrows what is behind it", [0x85, 0xa1, 0x61]],
  ])("[S16] [FRAME-4] [FRAME-5] that announces %s is refused for what there is", async (_what, value) => {
    const before = attacked.residentBytes();
    for (const bytes of [Buffer.from(value), calling(value)]) {
      const socket = await attacked.enter("mal", msgpackCodec);
      await socket.send(frame(BINARY, bytes));
      await ends(socket, CLOSE.protocolError, "protocol_error");
    }
    expect(attacked.residentBytes() - before).toBeLessThan(40_000_000);
  });

  it.each([
    ["a timestamp", [0xd6, 0xff, 0, 0, 0, 0]],
    ["a timestamp of 12 bytes", [0xc7, 0x0c, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["what a library makes of undefined", [0xd4, 0x00, 0x00]],
    ["a record of a library's own", [0xd4, 0x72, 0x40]],
    ["an extension of nothing", [0xc7, 0x00, 0x05]],
    ["the type that is unused", [0xc1]],
    ["bytes", [0xc4, 0x01, 0x00]],
    ["a number for a key", [0x81, 0x01, 0x01]],
    ["a list for a key", [0x81, 0x91, 0x01, 0x01]],
    ["a map for a key", [0x81, 0x80, 0x01]],
    ["nil for a key", [0x81, 0xc0, 0x01]],
    ["2^64-1", [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ["-2^63", [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]],
    ["NaN", [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["infinity", [0xca, 0x7f, 0x80, 0, 0]],
  ])("[S16] [FRAME-5] [FRAME-7] with %s is refused", async (_what, value) => {
    const socket = await attacked.enter("mal", msgpackCodec);
    await socket.send(frame(BINARY, calling(value)));
    await ends(socket, CLOSE.protocolError, "protocol_error");
  });

  it.each([
    ["short", [0xa9, ...PROTO]],
    ["with its length in a byte", [0xd9, 9, ...PROTO]],
    ["with its length in two", [0xda, 0, 9, ...PROTO]],
    ["with its length in four", [0xdb, 0, 0, 0, 9, ...PROTO]],
  ])("[S12] [FRAME-6] with the key __proto__, %s, is refused", async (_what, key) => {
    const socket = await attacked.enter("mal", msgpackCodec);
    await socket.send(frame(BINARY, calling([0x81, ...key, 0x81, 0xa5, ...Buffer.from("admin"), 0xc3])));
    await ends(socket, CLOSE.protocolError, "protocol_error");
  });
});

describe("nesting", () => {
  const DEEP = 400_000;
  const deep: readonly (readonly [string, Codec, Buffer])[] = [
    ["lists in JSON", jsonCodec, Buffer.from("[".repeat(DEEP))],
    ["lists in JSON that end", jsonCodec, Buffer.from("[".repeat(DEEP) + "]".repeat(DEEP))],
    ["objects in JSON", jsonCodec, Buffer.from('{"a":'.repeat(DEEP / 4))],
    ["lists in msgpack", msgpackCodec, Buffer.alloc(DEEP, 0x91)],
    ["maps in msgpack", msgpackCodec, Buffer.from("81a161".repeat(DEEP / 4), "hex")],
    [
      "lists in msgpack with their count in four bytes",
      msgpackCodec,
      Buffer.from("dd00000001".repeat(DEEP / 4), "hex"),
    ],
  ];

  it.each(deep)("[S15] [FRAME-3] of %s ends in words, not in an overflow", async (_what, codec, bytes) => {
    const socket = await attacked.enter("mal", codec);
    await socket.send(frame(codec === jsonCodec ? TEXT : BINARY, bytes));
    await ends(socket, CLOSE.tooLarge, "too_large");
  });

  it("[S15] [R19] up to the limit is stored and served, and beyond it refused, whoever does the nesting", async () => {
    for (const codec of [jsonCodec, msgpackCodec]) {
      const key = `deep-${codec.name}`;
      const socket = await attacked.owner(key, codec);
      // The state and its notes are two of the levels.
      const value = nested(LIMITS.depthMax - 2);
      const born = Date.now();
      await socket.say(["c", 1, 1, "note", { name: "deep", value }, { born }]);
      expect((await socket.answer(1))[0]).toBe("ok");
      await socket.say(["c", 2, 1, "note", { name: "deeper", value: nested(LIMITS.depthMax - 1) }, { born }]);
      expect((await socket.answer(2))[0]).toBe("no");
      const again = await attacked.owner(key, codec);
      expect((await again.hears("snap"))[0]?.[4]).toMatchObject({ notes: { deep: value } });
    }
  });
});

function nested(levels: number): Json {
  let value: Json = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}
