// A server that has been taken over, or is not who it says: what it sends must not harm a client, who notices and asks anew.
// The real client on real sockets.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, type Tide } from "@tidemark/client";
import { type App, applyJsonPatch, type Contract, type Json, type JsonPatchOperation } from "@tidemark/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

type Anything = App<{ readonly [type: string]: Contract }>;

const STATE = { list: ["a", "b"], text: "x", name: { first: "Ann" } };
const HANDLE = 7;
const WELCOME = {
  ...{ v: 1, session: "s", server: "s", now: 0, sub: "ann", exp: Number.MAX_SAFE_INTEGER },
  ...{ pingMs: 10_000, watchdogMs: 25_000, limits: {}, caps: [] },
};

let server: WebSocketServer;
let url: string;
let tide: Tide<Anything>;
/** What is sent behind the first snapshot. */
let attack = "";
let opens: Json[] = [];
const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);

function serve(socket: WebSocket): void {
  socket.on("message", (frame) => {
    for (const [type, fields] of JSON.parse(String(frame)) as [string, { s: number; at?: Json }][]) {
      if (type === "hello") socket.send(JSON.stringify([["welcome", { ...WELCOME, now: Date.now() }]]));
      if (type !== "open") continue;
      opens.push(fields.at ?? null);
      const opened = { s: fields.s, h: [HANDLE], mode: ["reset"], prev: [1], tag: [""] };
      const frames = `[["opened",${JSON.stringify(opened)}],["snap",${HANDLE},1,1,${JSON.stringify(STATE)}]]`;
      socket.send(frames);
      if (opens.length === 1) socket.send(attack);
    }
  });
}

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", serve);
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => tide.close());
afterAll(() => {
  for (const socket of server.clients) socket.terminate();
  server.close();
});

const patch = (operations: string): string => `[["d",${HANDLE},1,2,${operations}]]`;

/** The client asks for the document once more, and holds what it held before: all of the attack, or nothing. */
async function expectAskedAnew(frame: string): Promise<void> {
  attack = frame;
  opens = [];
  tide = connect<Anything>({ url, token: "ann" });
  const seen: unknown[] = [];
  const document = tide.open("list", "a");
  document.subscribe((state) => seen.push(state));
  await expect.poll(() => opens.length, { timeout: 10_000 }).toBe(2);
  await expect.poll(() => document.status, { timeout: 10_000 }).toBe("live");
  expect(document.state).toEqual(STATE);
  for (const state of seen) expect(state).toEqual(STATE);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
}

describe("a client is not harmed by", () => {
  it.each([
    "-0",
    "01",
    "1e3",
    "+1",
    " 1",
    "0x1",
    "1.0",
    "2147483648",
    "4294967294",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "3",
    "length",
  ])("[S14] [PATCH-3] a patch at the index %j of a list", async (index) => {
    await expectAskedAnew(patch(`[["=","/text","half of it"],["+","/list/${index}","x"]]`));
  });

  it.each([
    ["[S14] [PATCH-7] what is not there", '[["=","/list/2","x"]]'],
    ["[S14] [PATCH-7] the place behind a list", '[["-","/list/-"]]'],
    ["[S12] [PATCH-4] a value below __proto__", '[["+","/__proto__/polluted",true]]'],
    ["[S12] [PATCH-4] a value below constructor", '[["+","/constructor/prototype/polluted",true]]'],
    ["[S12] [PATCH-4] a value below what text has", '[["+","/text/constructor",true]]'],
    ["[S12] [PATCH-4] the length of a list", '[["=","/list/length",4294967295]]'],
    ["[S13] [PATCH-7] a move into itself", '[[">","/name","/name/first"]]'],
    ["[S13] a copy, which is no operation here", '[["*","/list","/list/-"]]'],
  ])("%s", async (_what, operations) => {
    await expectAskedAnew(patch(operations));
  });

  it("[S13] [PATCH-6] moves that nest without end", async () => {
    const moves = Array.from(
      { length: 200 },
      (_, n) => `["+","/n${n}",{}],[">","/name","/n${n}/x"],[">","/n${n}","/name"]`,
    );
    await expectAskedAnew(patch(`[${moves.join(",")}]`));
  });

  it("[S12] [FRAME-6] the key __proto__ in a snapshot, a delta, an event", async () => {
    for (const frame of [
      `[["snap",${HANDLE},1,1,{"__proto__":{"polluted":true}}]]`,
      patch('[["+","/name/x",{"__proto__":{"polluted":true}}]]'),
      `[["d",${HANDLE},1,2,[],{"ev":[[2,1,"x",{"__proto__":{"polluted":true}}]]}]]`,
    ]) {
      await expectAskedAnew(frame);
      tide.close();
    }
  });
});

describe("a client says", () => {
  it("[S12] [ERR-3] what it could not read, and its process goes on", async () => {
    warned.mockClear();
    await expectAskedAnew('[["snap",{"__proto__":1}]]');
    expect(String(warned.mock.calls[0]?.[0])).toContain("__proto__");
  });

  it("[S12] that it was refused a signal, and its process goes on", async () => {
    warned.mockClear();
    const refused = {
      code: "rate_limited",
      message: "Too many",
      retry: "after",
      afterMs: 1,
      fault: "caller",
      about: "sig",
    };
    attack = JSON.stringify([["err", { ...refused, s: 1 }]]);
    opens = [];
    tide = connect<Anything>({ url, token: "ann" });
    tide.open("list", "a");
    await expect.poll(() => warned.mock.calls.length, { timeout: 10_000 }).toBe(1);
  });
});

describe("nobody who applies patches is harmed by", () => {
  /** Copies that double a document, in less than a kilobyte. */
  const doubling: JsonPatchOperation[] = [
    { op: "add", path: "/a", value: ["x".repeat(40)] },
    ...Array.from({ length: 20 }, (): JsonPatchOperation => ({ op: "copy", from: "/a", path: "/a/-" })),
  ];

  it("[S13] [PATCH-6] copies that double it again and again", () => {
    expect(JSON.stringify(doubling).length).toBeLessThan(1_000);
    const before = process.memoryUsage().heapUsed;
    expect(() => applyJsonPatch({}, doubling)).toThrow(/budget/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  });
});
