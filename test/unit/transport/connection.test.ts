import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { CLOSE, type Codec, jsonCodec, LIMITS, msgpackCodec } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { LocalDocuments } from "../../../src/document/local-documents.js";
import { TokenBucket } from "../../../src/runtime/token-bucket.js";
import { FanOuts } from "../../../src/session/fan-out.js";
import { Flusher } from "../../../src/session/flusher.js";
import { TrustedProxies } from "../../../src/session/proxies.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { OutgoingFrame, type Wire } from "../../../src/session/wire.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { WebSocketWire } from "../../../src/transport/connection.js";
import { SocketServer } from "../../../src/transport/websocket-server.js";
import { hello } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";
import { readByLibrary } from "./library-receiver.js";

/** The server's end of a TCP connection whose other end is the test. */
class FakeTcp extends Duplex {
  readonly remoteAddress = "127.0.0.1";
  readonly written: Buffer[] = [];
  readonly encodings: string[] = [];
  /** The peer reads nothing: no write is ever done. */
  stuck = false;
  #done = (): void => undefined;

  constructor() {
    // As a socket has it: text is handed on as text.
    super({ allowHalfOpen: true, decodeStrings: false });
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.encodings.push(encoding);
    this.written.push(Buffer.from(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk));
    if (this.stuck) this.#done = done;
    else done();
  }

  /** The peer reads again. */
  release(): void {
    this.stuck = false;
    this.#done();
  }

  setTimeout(): void {}
  setNoDelay(): void {}

  /** Everything since the last time. */
  takeWritten(): Buffer {
    return Buffer.concat(this.written.splice(0));
  }
}

let runtime: VirtualRuntime;
let timersBefore: number;
let http: Server;
let server: SocketServer;
let tcp: FakeTcp;

const handshake = {
  url: "/v1/socket",
  method: "GET",
  headers: {
    upgrade: "WebSocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    "sec-websocket-protocol": jsonCodec.subprotocol,
  },
};

/** A server and one socket to it, whose handshake came with the first bytes of frames. */
function serve(head: Buffer, request: object = handshake): void {
  http = createServer();
  runtime = new VirtualRuntime();
  const fanOuts = new FanOuts(runtime);
  const quiet = (): void => undefined;
  server = new SocketServer(http, {
    runtime,
    documents: new LocalDocuments({
      types: new Map(),
      store: new MemoryStore({ disk: new MemoryDisk(), runtime }),
      runtime,
      audience: fanOuts.create.bind(fanOuts),
      report: { handlerFailed: quiet, documentUnreadable: quiet, commitLost: quiet, loadFailed: quiet },
      idleMs: 60_000,
    }),
    fanOuts,
    flusher: new Flusher(runtime),
    registry: new SessionRegistry(),
    identify: async (id) => ({ principal: { id, roles: [], claims: {} }, space: "", expiresAt: runtime.now() + 1e9 }),
    serverId: "test",
    pingIntervalMs: 60_000,
    watchdogMs: 120_000,
    origins: [],
    loopbackNamesOnly: false,
    proxies: new TrustedProxies(),
    admission: new TokenBucket({ runtime, perSecond: 1_000, burst: 1_000 }),
    onBug: (error) => expect.fail(String(error)),
  });
  timersBefore = runtime.timerCount;
  upgrade(head, request);
}

function upgrade(head: Buffer, request: object): void {
  tcp = new FakeTcp();
  http.emit("upgrade", request as IncomingMessage, tcp as unknown as Socket, head);
}

/** A frame under a mask of zeros. */
function frame(opcode: number, payload: string | Buffer, fin = 0x80): Buffer {
  const bytes = Buffer.from(payload);
  const length = bytes.length < 126 ? [0x80 | bytes.length] : [0xfe, bytes.length >>> 8, bytes.length & 0xff];
  return Buffer.concat([Buffer.from([fin | opcode, ...length, 0, 0, 0, 0]), bytes]);
}
const code = (number: number): Buffer => Buffer.from([number >>> 8, number & 0xff]);
const greeting = jsonCodec.join([jsonCodec.encode(hello("ann"))]);
/** What the server says of itself: FIN, opcode, length below 126. */
const said = (opcode: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);

const settle = (): Promise<void> => runtime.settle();

beforeEach(() => serve(Buffer.alloc(0)));

describe("the handshake", () => {
  it("answers the key of RFC 6455 as RFC 6455 does", () => {
    expect(tcp.takeWritten().toString().split("\r\n")).toEqual([
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      `Sec-WebSocket-Protocol: ${jsonCodec.subprotocol}`,
      "",
      "",
    ]);
  });

  it("[FRAME-1] speaks the first codec that the client offers and it knows, and says so", () => {
    const protocols = "other, tidemark.v1.msgpack, tidemark.v1.json";
    serve(frame(1, "[]"), { ...handshake, headers: { ...handshake.headers, "sec-websocket-protocol": protocols } });
    const answer = tcp.takeWritten().toString();
    expect(answer).toContain("Sec-WebSocket-Protocol: tidemark.v1.msgpack\r\n");
    expect(answer).toContain("msgpack frames are binary");
  });

  it.each([
    ["405", { ...handshake, method: "POST" }],
    ["400", { ...handshake, headers: { ...handshake.headers, upgrade: "h2c" } }],
    ["400", { ...handshake, headers: { ...handshake.headers, "sec-websocket-key": "short" } }],
    ["400", { ...handshake, headers: { ...handshake.headers, "sec-websocket-version": "8" } }],
  ])("is refused with %s when it is none", async (status, request) => {
    serve(Buffer.alloc(0), request);
    const answer = tcp.takeWritten().toString();
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain("\r\nSec-WebSocket-Version: 13\r\n");
    expect(tcp.writableEnded).toBe(true);
  });

  it("is refused once the server stops, which destroys what is open", () => {
    server.close();
    expect(tcp.destroyed).toBe(true);
    upgrade(Buffer.alloc(0), handshake);
    expect(tcp.takeWritten().toString()).toContain("HTTP/1.1 503 ");
  });

  it("[HELLO-4] takes frames that came with it", async () => {
    serve(frame(1, greeting));
    await settle();
    expect(tcp.takeWritten().toString()).toContain('[["welcome",');
  });
});

describe("control frames", () => {
  beforeEach(async () => {
    await settle();
    tcp.takeWritten();
  });

  it("pings are answered with what they hold, between the fragments of a message too", async () => {
    tcp.push(Buffer.concat([frame(1, greeting.slice(0, 20), 0), frame(9, "now"), frame(0, greeting.slice(20))]));
    await settle();
    const written = tcp.takeWritten();
    expect(written.subarray(0, 5)).toEqual(said(10, Buffer.from("now")));
    expect(written.toString()).toContain('[["welcome",');
  });

  it("[R14] a peer that pings and does not read is owed the answer to its newest ping, and no other", async () => {
    tcp.push(frame(1, greeting));
    await settle();
    tcp.stuck = true;
    const pings = Buffer.concat(Array.from({ length: 1_000 }, (_, n) => frame(9, `${n}`)));
    for (let round = 0; round < 10; round += 1) {
      tcp.push(pings);
      await settle();
    }
    tcp.push(frame(9, "newest"));
    await settle();
    expect(tcp.writableLength).toBeLessThan(2_000);
    tcp.release();
    await settle();
    const written = tcp.takeWritten();
    expect(written.subarray(-8)).toEqual(said(10, Buffer.from("newest")));
    expect(written.length).toBeLessThan(2_000);
    tcp.push(frame(9, "later"));
    await settle();
    expect(tcp.takeWritten()).toEqual(said(10, Buffer.from("later")));
  });

  it.each([
    ["a code", code(1000), code(1000)],
    ["a code and a reason", Buffer.concat([code(4007), Buffer.from("bye")]), code(4007)],
    ["nothing", Buffer.alloc(0), Buffer.alloc(0)],
  ])("a close with %s is answered, and the socket ends", async (_, payload, answer) => {
    tcp.push(Buffer.concat([frame(8, payload), frame(9, "late")]));
    await settle();
    expect(tcp.takeWritten()).toEqual(said(8, answer));
    expect(tcp.writableEnded).toBe(true);
    tcp.push(null);
    await settle();
    expect(tcp.destroyed).toBe(true);
    expect(runtime.timerCount).toBe(timersBefore);
  });

  it.each([
    ["a frame without a mask", Buffer.from([0x81, 0x00]), 1002],
    ["a close code that nobody may send", frame(8, code(1005)), 1002],
    ["a message past every bound", Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x20, 0, 1, 0, 0, 0, 0]), 1009],
  ])("[R19] %s ends the socket in words", async (_, bytes, expected) => {
    tcp.push(frame(1, greeting));
    await settle();
    tcp.takeWritten();
    tcp.push(bytes);
    await settle();
    expect(tcp.takeWritten()).toEqual(said(8, code(expected)));
    expect(tcp.writableEnded).toBe(true);
  });

  it("[R16] nobody who is not known yet can have more than a greeting kept for them, whole, in fragments or cut", async () => {
    const tooLong = Buffer.from("x".repeat(LIMITS.helloBytesMax));
    const fragments = [
      frame(1, "y", 0),
      frame(0, tooLong.subarray(0, 10_000), 0),
      frame(0, tooLong.subarray(0, 10_000), 0),
    ];
    // Of a whole message that is too long the head is enough to tell.
    const announced = Buffer.from([0x81, 0xfe, 0x40, 0x01, 0, 0, 0, 0]);
    for (const bytes of [Buffer.concat(fragments), announced]) {
      serve(Buffer.alloc(0));
      await settle();
      tcp.takeWritten();
      tcp.push(bytes);
      await settle();
      const written = tcp.takeWritten().toString("latin1");
      expect(written).toContain('[["err",{"code":"too_large"');
      expect(written).toContain(code(CLOSE.tooLarge).toString("latin1"));
      expect(tcp.writableEnded).toBe(true);
    }
    serve(Buffer.alloc(0));
    tcp.push(frame(1, jsonCodec.join([jsonCodec.encode(hello("t".repeat(LIMITS.tokenLengthMax)))])));
    await settle();
    tcp.push(announced);
    tcp.push(tooLong.fill(" "));
    tcp.push(Buffer.from(" "));
    await settle();
    expect(tcp.takeWritten().toString()).not.toContain("too_large");
  });

  it("[R16] nobody who is not known yet can have more than one answer waiting to be read by them", async () => {
    await settle();
    tcp.takeWritten();
    tcp.stuck = true;
    for (let sent = 0; sent < 100; sent += 1) {
      tcp.push(Buffer.concat(Array.from({ length: 100 }, () => frame(9, "x".repeat(125)))));
      await settle();
    }
    expect(tcp.writableLength).toBeLessThan(200);
  });

  it("[HELLO-2] a close of the server's own waits for the peer's, but not for long", async () => {
    await runtime.advance(LIMITS.helloTimeoutMs);
    expect(tcp.takeWritten()).toEqual(
      said(8, Buffer.concat([code(CLOSE.helloTimeout), Buffer.from("unauthenticated")])),
    );
    tcp.push(frame(1, greeting));
    await settle();
    expect(tcp.writableEnded).toBe(false);
    tcp.push(frame(8, code(CLOSE.helloTimeout)));
    await settle();
    expect(tcp.takeWritten()).toEqual(Buffer.alloc(0));
    expect(tcp.writableEnded).toBe(true);
    await runtime.advance(2_000);
    expect(tcp.destroyed).toBe(true);
  });

  it("a peer that leaves without a word is left", async () => {
    tcp.push(null);
    await settle();
    expect(tcp.takeWritten()).toEqual(Buffer.alloc(0));
    expect(tcp.destroyed).toBe(true);
    expect(runtime.timerCount).toBe(timersBefore);
  });
});

describe("data frames", () => {
  // The edges of the forms of a length, for text that is ASCII and text that is not.
  const texts = ["x", "é", "漢"].flatMap((letter) =>
    [0, 1, 60, 121, 122, 65_530, 65_531, 65_532, 70_000].map((length) => letter.repeat(length)),
  );
  const CLIENT = { isServer: false, maxPayload: 1 << 24 };

  it("[FRAME-1] a client reads what was written, alone or with others, short or long, ASCII or not", () => {
    for (const codec of [jsonCodec, msgpackCodec] as const) {
      const own = new FakeTcp();
      const wire: Wire = new WebSocketWire({ tcp: own, codec, runtime, loopback: true });
      const pieces = texts.map((text) => codec.encode(["auth", { token: text }]));
      const frames = pieces.map((piece) => new OutgoingFrame(codec, [piece, piece], 2 * piece.length));
      for (const piece of pieces) wire.writeMessage(piece);
      wire.write(frames);
      wire.write(frames.slice(0, 1));
      const payloads = [
        ...pieces.map((piece) => [piece]),
        ...frames.map((frame) => frame.pieces),
        frames[0]?.pieces ?? [],
      ];
      expect(readByLibrary([own.takeWritten()], CLIENT)).toEqual(
        payloads.map((list) => ["message", Buffer.from((codec as Codec).join(list)).toString("hex"), codec.binary]),
      );
    }
  });

  it("a short answer of ASCII is written as text, which spares a buffer", () => {
    const own = new FakeTcp();
    new WebSocketWire({ tcp: own, codec: jsonCodec, runtime, loopback: true }).writeMessage('["ok",1,null]');
    expect(own.encodings).toEqual(["latin1"]);
  });

  it("[R14] what many slow peers wait for is there once, and goes to the kernel in one call", () => {
    const own = jsonCodec.encode(["auth", { token: "own" }]);
    const large = jsonCodec.encode(["auth", { token: "x".repeat(100_000) }]);
    const shared = new OutgoingFrame(jsonCodec, [large], large.length);
    const calls = [1, 2, 3].map(() => {
      const tcp = new GatheringTcp();
      new WebSocketWire({ tcp, codec: jsonCodec, runtime, loopback: true }).write([
        new OutgoingFrame(jsonCodec, [own], own.length),
        shared,
      ]);
      return tcp.calls;
    });
    for (const [first, ...others] of calls) {
      expect(others).toEqual([]);
      expect(first).toHaveLength(2);
      expect(readByLibrary([Buffer.concat(first ?? [])], CLIENT)).toHaveLength(2);
      expect(first?.[1] === calls[0]?.[0]?.[1]).toBe(true);
    }
  });
});

/** Writes what it is given together as a socket does. */
class GatheringTcp extends Duplex {
  readonly calls: Uint8Array[][] = [];

  override _read(): void {}

  override _writev(chunks: { readonly chunk: Uint8Array }[], done: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => chunk));
    done();
  }
}
