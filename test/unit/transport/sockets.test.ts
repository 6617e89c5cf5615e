import { createServer, type Server } from "node:http";
import { connect as dial, Socket } from "node:net";
import { queryObjects } from "node:v8";
import { CLOSE, jsonCodec, LIMITS, msgpackCodec, type ServerMessage } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { resolveType } from "../../../src/document/definition/resolved-type.js";
import { LocalDocuments } from "../../../src/document/local-documents.js";
import { documentType } from "../../../src/index.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import { TokenBucket } from "../../../src/runtime/token-bucket.js";
import { FanOuts } from "../../../src/session/fan-out.js";
import { Flusher } from "../../../src/session/flusher.js";
import { TrustedProxies } from "../../../src/session/proxies.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { SocketServer } from "../../../src/transport/websocket-server.js";
import { call, hello } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const note = documentType({
  state: z.object({ text: z.string() }),
  canCreate: () => true,
  init: () => ({ text: "" }),
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
  }),
});

let http: Server;
let sockets: SocketServer;
let port: number;
const opened: WebSocket[] = [];

const bugs: unknown[] = [];
let broken = false;

const wideOpen = new TokenBucket({ runtime: systemRuntime, perSecond: 1_000, burst: 1_000 });

beforeEach(() => serve(false));

async function serve(loopbackNamesOnly: boolean, admission = wideOpen, isOverloaded = false): Promise<void> {
  http = createServer();
  const fanOuts = new FanOuts(systemRuntime);
  const quiet = (): void => undefined;
  const documents = new LocalDocuments({
    types: new Map([["note", resolveType(note)]]),
    store: new MemoryStore({ disk: new MemoryDisk(), runtime: systemRuntime }),
    runtime: systemRuntime,
    audience: fanOuts.create.bind(fanOuts),
    report: { handlerFailed: quiet, documentUnreadable: quiet, commitLost: quiet, loadFailed: quiet },
    idleMs: 60_000,
  });
  sockets = new SocketServer(http, {
    runtime: systemRuntime,
    documents: {
      open: (request) => documents.open(request),
      close: (document, follower) => documents.close(document, follower),
      refresh: (document, follower) => documents.refresh(document, follower),
      say: (document, follower, speech) => documents.say(document, follower, speech),
      list: (request) => documents.list(request),
      call(request) {
        if (broken) throw new Error("a bug");
        documents.call(request);
      },
    },
    fanOuts,
    flusher: new Flusher(systemRuntime),
    registry: new SessionRegistry(),
    identify: async (token) => ({
      principal: { id: token, roles: [], claims: {} },
      space: "",
      expiresAt: systemRuntime.now() + 60_000,
    }),
    serverId: "test",
    pingIntervalMs: LIMITS.pingIntervalMs,
    watchdogMs: LIMITS.watchdogMs,
    origins: ["https://friend.example"],
    loopbackNamesOnly,
    proxies: new TrustedProxies(),
    admission,
    isOverloaded: () => isOverloaded,
    onBug: (error) => bugs.push(error),
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
}

afterEach(stop);

async function stop(): Promise<void> {
  for (const socket of opened.splice(0)) socket.terminate();
  sockets.close();
  await new Promise((resolve) => http.close(resolve));
}

interface Peer {
  readonly socket: WebSocket;
  readonly received: ServerMessage[];
  readonly closed: Promise<number>;
  /** Resolves with the first message of this type, past or to come. */
  next(type: ServerMessage[0]): Promise<ServerMessage>;
}

async function open(codec = jsonCodec as typeof jsonCodec | typeof msgpackCodec, origin?: string): Promise<Peer> {
  const options = origin === undefined ? {} : { origin };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/socket`, [codec.subprotocol], options);
  opened.push(socket);
  const received: ServerMessage[] = [];
  const waiting: (() => void)[] = [];
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    const frame = codec.decode(isBinary ? data : data.toString(), { bytesMax: 1 << 25, depthMax: 64 });
    received.push(...(frame as unknown as ServerMessage[]));
    for (const look of waiting.splice(0)) look();
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const next = async (type: ServerMessage[0]): Promise<ServerMessage> => {
    for (;;) {
      const found = received.find((message) => message[0] === type);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
  return { socket, received, closed, next };
}

const status = (path: string, headers: readonly string[], host = "here"): Promise<string> =>
  new Promise((resolve) => {
    const request = [`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: Upgrade", "Upgrade: websocket", ...headers];
    const socket = dial(port, "127.0.0.1", () => socket.write(`${request.join("\r\n")}\r\n\r\n`));
    socket.on("data", (data) => {
      resolve(data.toString().split("\r\n", 1)[0] ?? "");
      socket.destroy();
    });
  });

const KEY = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
const JSON_PROTOCOL = `Sec-WebSocket-Protocol: ${jsonCodec.subprotocol}`;

describe("upgrades", () => {
  it("[FRAME-1] settles path, origin and codec before there is a socket", async () => {
    expect(await status("/elsewhere", [...KEY, JSON_PROTOCOL])).toContain("404");
    expect(await status("/v1/socket", KEY)).toContain("400");
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL, "Origin: https://evil.example"])).toContain("403");
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL, "Origin: null"])).toContain("403");
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL, "Origin: http://here"])).toContain("101");
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL, "Origin: https://friend.example"])).toContain("101");
  });
});

describe("a herd", () => {
  const raw = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = dial(port, "127.0.0.1", () =>
        socket.write(`GET /v1/socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
      );
      socket.on("data", (data) => {
        resolve(data.toString());
        socket.destroy();
      });
    });

  it("[CLOSE-5] is let in up to the burst, then sent away before its request is looked at", async () => {
    await stop();
    await serve(false, new TokenBucket({ runtime: new VirtualRuntime(), perSecond: 1, burst: 2 }));
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL])).toContain("101");
    expect(await status("/v1/socket", [...KEY, JSON_PROTOCOL])).toContain("101");
    // Offers no codec, which would be a 400 if it were looked at.
    const answer = await raw();
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toMatch(/\r\nRetry-After: [1-5]\r\n/);
  });
});

it("[CLOSE-5] [R15] lets fewer in while those who are here are refused, but some", async () => {
  await stop();
  await serve(false, new TokenBucket({ runtime: new VirtualRuntime(), perSecond: 1, burst: 20 }), true);
  const answers: string[] = [];
  for (let n = 0; n < 4; n += 1) answers.push(await status("/v1/socket", [...KEY, JSON_PROTOCOL]));
  expect(answers.map((line) => line.split(" ")[1])).toEqual(["101", "101", "503", "503"]);
  expect(sockets.takeSentAway()).toBe(2);
  expect(sockets.takeSentAway()).toBe(0);
});

it("[R18] lets no page in by a name that was bent to point here, where tokens can be made up", async () => {
  await stop();
  await serve(true);
  const from = (host: string): Promise<string> =>
    status("/v1/socket", [...KEY, JSON_PROTOCOL, `Origin: http://${host}`], host);
  expect(await from("evil.example")).toContain("403");
  expect(await from("127.0.0.1.evil.example")).toContain("403");
  for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]:8787"]) expect(await from(host)).toContain("101");
});

describe("frames", () => {
  for (const codec of [jsonCodec, msgpackCodec] as const) {
    it(`[FRAME-1] carries states of every frame length and any text (${codec.name})`, async () => {
      const peer = await open(codec);
      const send = (...messages: Parameters<typeof codec.encode>[0][]): void => {
        const pieces = messages.map((message) => codec.encode(message));
        peer.socket.send(
          codec.name === "json" ? jsonCodec.join(pieces as string[]) : msgpackCodec.join(pieces as Uint8Array[]),
        );
      };
      send(hello("ann"));
      await peer.next("welcome");
      send(["open", { s: 1, doc: "note/a", create: true }]);
      await peer.next("snap");
      const born = systemRuntime.now();
      const texts = ["", "x".repeat(60), "é漢🌊".repeat(30), "y".repeat(70_000), "z".repeat(400_000)];
      for (const [index, text] of texts.entries()) {
        peer.received.length = 0;
        send(call(index + 1, 1, "write", text, { born }));
        const ok = await peer.next("ok");
        expect(ok[1]).toBe(index + 1);
        if (text !== "") expect(peer.received[0]?.[4]).toEqual([["=", "/text", text]]);
      }
    });
  }

  it("[FRAME-1] [R19] takes messages in fragments with pings between them, and answers the pings in order", async () => {
    const peer = await open();
    const pings: string[] = [];
    const pongs: string[] = [];
    peer.socket.on("pong", (data: Buffer) => pongs.push(data.toString()));
    const sayInFragments = (text: string, size: number): void => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += size) {
        if (at < 100 * size) peer.socket.ping(pings[pings.push(`${size}:${at}`) - 1]);
        peer.socket.send(bytes.subarray(at, at + size), { binary: false, fin: at + size >= bytes.length });
      }
    };
    sayInFragments(jsonCodec.join([jsonCodec.encode(hello("ann"))]), 1);
    await peer.next("welcome");
    const born = systemRuntime.now();
    sayInFragments(jsonCodec.join([jsonCodec.encode(["open", { s: 1, doc: "note/a", create: true }])]), 7);
    await peer.next("snap");
    for (const [index, size] of [5, 1_000, 65_537].entries()) {
      peer.received.length = 0;
      const text = size + "é漢🌊".repeat(Math.min(size * 2, 30_000));
      sayInFragments(jsonCodec.join([jsonCodec.encode(call(index + 1, 1, "write", text, { born }))]), size);
      expect((await peer.next("ok"))[1]).toBe(index + 1);
      expect(peer.received[0]?.[4]).toEqual([["=", "/text", text]]);
    }
    expect(pongs).toEqual(pings);
  });

  it("keeps one socket for a connection: nothing holds the one that the HTTP server made", async () => {
    // The query collects garbage first.
    const sockets = (): number => queryObjects(Socket, { format: "count" });
    const before = sockets();
    for (let index = 0; index < 20; index++) await open();
    // The other end is here as well.
    expect(sockets() - before).toBeLessThanOrEqual(40);
  });

  it("answers a close with its code, and is rid of the connection", async () => {
    const peer = await open();
    peer.socket.close(4321, "enough");
    expect(await peer.closed).toBe(4321);
    // The HTTP server's end comes only when its last connection is gone.
    await new Promise((resolve) => http.close(resolve));
  });

  it("[FRAME-3] [ERR-3] [R19] says that a frame is too large or too deep, ends that socket, and no other notices", async () => {
    const other = await open();
    other.socket.send(jsonCodec.join([jsonCodec.encode(hello("bob"))]));
    await other.next("welcome");
    for (const frame of [JSON.stringify([["open", "x".repeat(LIMITS.frameBytesMax)]]), "[".repeat(100_000)]) {
      const peer = await open();
      peer.socket.send(frame);
      expect(await peer.next("err")).toMatchObject(["err", { code: "too_large", retry: "never" }]);
      expect(await peer.closed).toBe(CLOSE.tooLarge);
    }
    other.socket.send(jsonCodec.join([jsonCodec.encode(["ping", 3, []])]));
    expect(await other.next("pong")).toEqual(["pong", 3, []]);
  });

  it("[R19] outlives a bug of its own: that connection ends and may come back, and it is told of", async () => {
    bugs.length = 0;
    const peer = await open();
    peer.socket.send(jsonCodec.join([jsonCodec.encode(hello("ann"))]));
    await peer.next("welcome");
    broken = true;
    peer.socket.send(jsonCodec.join([jsonCodec.encode(call(1, "note/a", "write", "x"))]));
    expect(await peer.closed).toBe(CLOSE.internal);
    broken = false;
    expect(bugs).toEqual([new Error("a bug")]);
    expect((await open()).socket.readyState).toBe(WebSocket.OPEN);
  });

  it("[FRAME-4] [FRAME-8] [R19] says what is wrong with a frame that is none, and ends that socket", async () => {
    for (const frame of ["no json", "{}", '[["nonsense"]]', '[["hello"]]', "", Buffer.from([1, 2, 3])]) {
      const peer = await open();
      peer.socket.send(frame);
      expect(await peer.next("err")).toMatchObject(["err", { code: "protocol_error", message: expect.any(String) }]);
      expect(await peer.closed).toBe(CLOSE.protocolError);
    }
  });
});
