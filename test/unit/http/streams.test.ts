// Streams, polls and posted calls of a real server, by `fetch`, without the client library.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLOSE, type ClientMessage, type ServerMessage } from "@tidemark/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { defineApp, documentType } from "../../../src/index.js";
import { type Served, serve } from "../../../src/serve.js";
import { greeting, postFrame, StreamReader } from "../../support/stream-reader.js";

const note = documentType({
  state: z.object({ text: z.string(), secret: z.string() }),
  hidden: ["secret"],
  canCreate: () => true,
  init: () => ({ text: "", secret: "" }),
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
      return text.length;
    }),
    hide: message(z.string(), (ctx, text) => {
      ctx.state.secret = text;
    }),
    refuse: message((ctx) => ctx.reject("no")),
  }),
});

const SHORT_MS = 1_500;

const app = defineApp({
  documents: { note },
  authenticate: (token) => {
    if (token === "nobody") return null;
    return { id: token, ...(token === "brief" ? { expiresAt: Date.now() + SHORT_MS } : {}) };
  },
});

let folder: string;
let server: Served;
const readers: StreamReader[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tidemark-streams-"));
  server = await serve(app, { port: 0, data: join(folder, "notes.db"), pingIntervalMs: 500 });
});

afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function follow(path: "stream" | "poll", frame: readonly ClientMessage[], token = "ann"): Promise<StreamReader> {
  const reader = await StreamReader.open(server.url, `/v1/${path}`, token, frame);
  readers.push(reader);
  return reader;
}

const open = (s: number, doc: string, more: object = {}): ClientMessage => ["open", { s, doc, create: true, ...more }];

const within = (ms = 5_000): number => Date.now() + ms;
const call = (n: number, doc: string, name: string, input: string | null, more: object = {}): ClientMessage => [
  "c",
  n,
  doc,
  name,
  input,
  { born: Date.now(), low: 1, ...more },
];

let conns = 0;

async function post(calls: readonly ClientMessage[], until = within(), token = "bob"): Promise<ServerMessage[]> {
  conns += 1;
  const response = await postFrame(server.url, "/v1/calls", token, [greeting({ conn: conns, until }), ...calls]);
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

describe("a stream", () => {
  it("[STREAM-1] says what a socket would, a frame a line, and nobody may keep or change it", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    expect(await reader.next("welcome")).toMatchObject(["welcome", { v: 1, sub: "ann" }]);
    expect(await reader.next("snap")).toEqual(["snap", expect.any(Number), expect.any(Number), 1, { text: "" }]);
    await post([call(1, "note/a", "write", "line\nbreak")]);
    expect(await reader.next("d")).toMatchObject(["d", expect.any(Number), 1, 2, [["=", "/text", "line\nbreak"]], {}]);
    const { headers } = reader.response;
    expect(headers.get("content-type")).toContain("application/x-ndjson");
    expect(headers.get("cache-control")).toBe("no-store, no-transform");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("content-security-policy")).not.toBeNull();
  });

  it("[STREAM-2] [SEQ-4] [R3] resumes each document from the position it is asked for with", async () => {
    const first = await follow("stream", [greeting(), open(1, "note/a"), open(2, "note/b")]);
    const [, h, epoch] = await first.next("snap", 2);
    await first.close();
    await post([call(1, "note/a", "write", "x"), call(2, "note/a", "write", "y")]);
    const at = [
      [
        epoch,
        1,
        first.of("opened").find(
          ([
            ,
            {
              h: [handle],
            },
          ]) => handle === h,
        )?.[1].tag[0],
      ],
    ];
    const again = await follow("stream", [greeting({ conn: 2 }), open(1, "note/a", { at }), open(2, "note/b", { at })]);
    await again.next("d", 2);
    expect(again.of("opened").map(([, { mode }]) => mode)).toEqual([["resume"], ["resume"]]);
    expect(again.of("snap")).toEqual([]);
    expect(again.of("d").map(([, , prev, seq]) => [prev, seq])).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it("[STREAM-2] takes a greeting, openings and pings, and nothing else", async () => {
    const refused = async (frame: readonly unknown[]): Promise<unknown> => {
      const response = await postFrame(server.url, "/v1/stream", "ann", frame as ClientMessage[]);
      return [response.status, JSON.parse(await response.text()).code];
    };
    for (const frame of [
      [],
      [open(1, "note/a")],
      [greeting(), call(1, "note/a", "write", "x")],
      [greeting(), greeting()],
      [greeting(), ["auth", { token: "x" }]],
      [greeting(), ["open", { s: "1" }]],
      [greeting(), ["what"]],
      ["hello"],
    ])
      expect(await refused(frame)).toEqual([400, "protocol_error"]);
    const nobody = await postFrame(server.url, "/v1/stream", "nobody", [greeting()]);
    expect(nobody.status).toBe(401);
  });

  it("[STREAM-3] [HELLO-3] [HELLO-5] ends with `bye` and what would have been the close code", async () => {
    const other = await follow("stream", [greeting({ v: 2 })]);
    await other.ended;
    expect(other.messages).toMatchObject([
      ["err", { code: "unsupported_version" }],
      ["bye", CLOSE.unsupportedVersion],
    ]);
    const first = await follow("stream", [greeting()]);
    await first.next("welcome");
    const second = await follow("stream", [greeting({ conn: 2 })]);
    await second.next("welcome");
    await first.ended;
    expect(first.messages.at(-1)).toEqual(["bye", CLOSE.replaced]);
  });

  it("[STREAM-3] [R17] says nothing past the token's time", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")], "brief");
    await reader.next("snap");
    await reader.ended;
    expect(reader.messages.at(-1)).toEqual(["bye", CLOSE.unauthenticated]);
    const before = reader.messages.length;
    await post([call(1, "note/a", "write", "x")]);
    expect(reader.messages).toHaveLength(before);
  });

  it("[STREAM-3] [CLOSE-4] is sent away by a server that stops, with word of when to come back", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    await reader.next("snap");
    await server.close();
    await reader.ended;
    expect(reader.messages.slice(-2)).toMatchObject([
      ["goaway", { code: "draining" }],
      ["bye", CLOSE.draining],
    ]);
  });

  it("[STREAM-4] [HEAD-1] pings with heads, and with how long after the welcome", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    const [, , heads, extension] = await reader.next("ping", 2);
    expect(heads).toEqual([reader.of("snap")[0]?.[1], reader.of("snap")[0]?.[2], 1]);
    // A timer of Node's may be a millisecond early.
    expect(extension?.ms).toBeGreaterThanOrEqual(998);
    expect(reader.of("ping")[0]?.[3]?.ms).toBeLessThan(extension?.ms ?? 0);
  });

  it("[STREAM-5] [SEQ-8] says soon what changed nothing that is shown", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a"), ["ping", 7, []]]);
    await reader.next("snap");
    await post([call(1, "note/a", "hide", "x"), call(2, "note/a", "hide", "y")]);
    const [, , prev, , operations] = await reader.next("d");
    expect([prev, operations]).toEqual([1, []]);
    expect(reader.of("pong").map(([, k]) => k)).toEqual([7]);
  });
});

describe("a poll", () => {
  it("[POLL-1] [POLL-2] ends with what is new, all of it, and where everything stands", async () => {
    const first = await follow("poll", [greeting(), open(1, "note/a"), open(2, "note/b")]);
    await first.ended;
    expect(first.of("snap")).toHaveLength(2);
    const [, , heads] = first.messages.at(-1) ?? [];
    expect(heads).toHaveLength(6);
    expect(first.messages.at(-1)?.[0]).toBe("ping");
  });

  it("[POLL-1] waits while there is nothing new, but not past the next ping", async () => {
    const first = await follow("poll", [greeting(), open(1, "note/a")]);
    await first.ended;
    const at = [[first.of("snap")[0]?.[2], 1, first.of("opened")[0]?.[1].tag[0]]];
    const idle = await follow("poll", [greeting({ conn: 2 }), open(1, "note/a", { at })]);
    await idle.ended;
    expect(idle.messages.map(([type]) => type)).toEqual(["welcome", "opened", "ping"]);
    const next = await follow("poll", [greeting({ conn: 3 }), open(1, "note/a", { at })]);
    await next.next("opened");
    await post([call(1, "note/a", "write", "x")]);
    await next.ended;
    expect(next.messages.map(([type]) => type)).toEqual(["welcome", "opened", "d", "ping"]);
  });

  it("[POLL-1] with a ping in it is answered at once", async () => {
    const reader = await follow("poll", [greeting(), ["ping", 3, []]]);
    await reader.ended;
    expect(reader.messages.map(([type]) => type)).toEqual(["welcome", "pong", "ping"]);
  });
});

describe("posted calls", () => {
  it("[POST-1] [R6] are answered as on a socket, and again by their first answers", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    await reader.next("snap");
    const calls = [
      call(1, "note/a", "write", "one"),
      call(2, "note/a", "refuse", null),
      call(3, "note/a", "$head", null, { q: 1 }),
      call(4, "$", "whoami", null, { q: 1 }),
      ["c", 5, 1, "write", "x", { born: Date.now() }] as ClientMessage,
    ];
    const answers = await post(calls);
    const sorted = [...answers].sort((one, other) => Number(one[1]) - Number(other[1]));
    expect(sorted).toMatchObject([
      ["ok", 1, [expect.any(Number), 2], 3],
      ["no", 2, "rejected", expect.any(String), { reason: "no" }],
      ["ok", 3, null, [expect.any(Number), 2]],
      ["ok", 4, null, { id: "bob" }],
      ["no", 5, "not_found", expect.any(String), {}],
    ]);
    expect(await post([calls[0] ?? greeting()])).toEqual([sorted[0]]);
  });

  it("[POST-3] are not begun after the time that their request says", async () => {
    await post([call(1, "$", "create", null)]).catch(() => undefined);
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    await reader.next("snap");
    const late = await postFrame(server.url, "/v1/calls", "bob", [
      greeting({ until: Date.now() - 1 }),
      call(9, "note/a", "write", "late"),
    ]);
    expect([late.status, JSON.parse(await late.text())]).toMatchObject([
      504,
      { code: "deadline_exceeded", outcome: "rejected", retry: "after" },
    ]);
    const never = await postFrame(server.url, "/v1/calls", "bob", [greeting(), call(9, "note/a", "write", "x")]);
    expect(never.status).toBe(400);
    expect(await post([call(10, "note/a", "$head", null, { q: 1 })])).toMatchObject([
      ["ok", 10, null, [expect.any(Number), 1]],
    ]);
  });

  it("[POST-1] [REQ-12] a copy of an older connection is not applied, and does not hold up its request for ever", async () => {
    const reader = await follow("stream", [greeting(), open(1, "note/a")]);
    await reader.next("snap");
    conns += 10;
    await post([call(5, "note/a", "write", "new")]);
    const frame = [greeting({ conn: 1, until: within() }), call(4, "note/a", "write", "old")];
    const old = await postFrame(server.url, "/v1/calls", "bob", frame, { "deadline-ms": "300" });
    expect(JSON.parse(await old.text())).toEqual([["unk", 4, "deadline_exceeded", {}]]);
    await reader.next("d");
    expect(reader.of("d")).toHaveLength(1);
  });
});
