import {
  CLOSE,
  type ClientMessage,
  codecFor,
  type JsonObject,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  type ServerMessage,
} from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import { SessionRegistry } from "../../../src/session/session-registry.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { type BenchClient, call, hello, SessionBench } from "../../support/session-bench.js";

const list = documentType({
  state: z.object({ items: z.array(z.string()) }),
  events: { pushed: { data: z.string() } },
  canCreate: (caller) => caller.id !== "stranger",
  canOpen: (viewer) => viewer.id !== "stranger",
  canList: () => true,
  canDelete: () => true,
  revealAuthor: true,
  init: () => ({ items: [] }),
  messages: (message) => ({
    push: message(z.object({ text: z.string() }), (ctx, { text }) => {
      ctx.state.items.push(text);
      ctx.emit("pushed", text);
      return ctx.state.items.length;
    }),
    nothing: message(() => undefined),
    refuse: message((ctx) => ctx.reject("full", "no more room", { most: { items: 3 }, list: [1] })),
    fail: message(() => {
      throw new Error("a secret");
    }),
  }),
  queries: (query) => ({ count: query((ctx) => ctx.state.items.length) }),
});

let bench: SessionBench;
const openStore = (): MemoryStore =>
  new MemoryStore({ disk: new MemoryDisk(), runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } });
const types = (messages: readonly ServerMessage[]): string[] => messages.map(([type]) => type);
const only = (messages: readonly ServerMessage[], type: ServerMessage[0]): ServerMessage[] =>
  messages.filter((message) => message[0] === type);

async function said(client: BenchClient): Promise<ServerMessage[]> {
  await bench.settle();
  return client.wire.take();
}

beforeEach(() => {
  bench = new SessionBench({ types: { list }, store: openStore() });
});

describe("greeting", () => {
  it("[HELLO-4] welcomes with the server's clock, the identity and the limits, before anything else", async () => {
    const client = bench.connect();
    client.say(hello("ann"));
    const [welcome, ...rest] = await said(client);
    expect(rest).toEqual([]);
    expect(welcome).toMatchObject([
      "welcome",
      { v: 1, now: bench.runtime.now(), sub: "ann", pingMs: 10_000, watchdogMs: 25_000, limits: { inFlightMax: 256 } },
    ]);
  });

  it("[HELLO-1] [ERR-3] refuses whatever comes before hello, and a second hello, and ends only that connection", async () => {
    const other = await bench.greeted("bob", { client: "cd".repeat(16) });
    const early = bench.connect();
    early.say(["ping", 1, []]);
    const twice = await bench.greeted("ann");
    twice.say(hello("ann"));
    for (const client of [early, twice]) {
      expect(only(await said(client), "err")).toMatchObject([
        ["err", { code: "protocol_error", retry: "never", fault: "caller" }],
      ]);
      expect(client.wire.closed?.code).toBe(CLOSE.protocolError);
    }
    other.say(["ping", 7, []]);
    expect(await said(other)).toEqual([["pong", 7, []]]);
  });

  it("[HELLO-2] closes a connection that never says hello", async () => {
    const client = bench.connect();
    await bench.runtime.advance(LIMITS.helloTimeoutMs - 1);
    expect(client.wire.closed).toBeUndefined();
    await bench.runtime.advance(1);
    expect(client.wire.closed?.code).toBe(CLOSE.helloTimeout);
  });

  it("[HELLO-3] refuses a version it does not speak and a token it does not accept", async () => {
    const old = bench.connect();
    old.say(["hello", { v: 2, token: "ann", client: "ab".repeat(16), conn: 1, sdk: "x", caps: [] }]);
    expect(await said(old)).toMatchObject([["err", { code: "unsupported_version" }]]);
    expect(old.wire.closed?.code).toBe(CLOSE.unsupportedVersion);
    const nobody = bench.connect();
    nobody.say(hello(""));
    expect(await said(nobody)).toMatchObject([["err", { code: "unauthenticated" }]]);
    expect(nobody.wire.closed?.code).toBe(CLOSE.unauthenticated);
  });

  it("[HELLO-5] lets only the connection with the greater number live", async () => {
    const first = await bench.greeted("ann", { conn: 1 });
    const second = await bench.greeted("ann", { conn: 2 });
    expect(first.wire.closed?.code).toBe(CLOSE.replaced);
    const late = bench.connect();
    late.say(hello("ann", { conn: 1 }));
    await bench.settle();
    expect(late.wire.closed?.code).toBe(CLOSE.replaced);
    second.say(["ping", 1, []]);
    expect(types(await said(second))).toEqual(["pong"]);
    const stranger = await bench.greeted("bob", { conn: 9 });
    expect([second.wire.closed, stranger.wire.closed]).toEqual([undefined, undefined]);
  });

  it("[HELLO-6] takes a fresh token of the same subject, and refuses another's", async () => {
    const client = await bench.greeted("ann");
    client.say(["auth", { token: "ann" }]);
    expect(await said(client)).toEqual([]);
    client.say(["auth", { token: "bob" }]);
    expect(await said(client)).toMatchObject([["err", { code: "identity_changed" }]]);
    expect(client.wire.closed?.code).toBe(CLOSE.identityChanged);
  });

  it("[HELLO-6] [REQ-18] whoami answers for the token that was taken last", async () => {
    const client = await bench.greeted("ann");
    const expiry = async (): Promise<unknown> => {
      client.say(call(1, "$", "whoami", null, { q: 1 }));
      const [[, , , result]] = (await said(client)) as unknown as [[string, number, null, { expiresAt: number }]];
      return result.expiresAt;
    };
    const first = await expiry();
    await bench.runtime.advance(1_000);
    client.say(["auth", { token: "ann" }]);
    await said(client);
    expect(await expiry()).toBe(Number(first) + 1_000);
  });

  it("[HELLO-6] ends a session whose identity expires, and keeps one that was refreshed", async () => {
    const idle = await bench.greeted("ann");
    const fresh = await bench.greeted("bob", { client: "cd".repeat(16) });
    const beat = async (): Promise<void> => {
      for (const client of [idle, fresh]) client.say(["pong", 1, []]);
      await bench.runtime.advance(10_000);
    };
    for (let beats = 0; beats < 200; beats += 1) await beat();
    fresh.say(["auth", { token: "bob" }]);
    for (let beats = 0; beats < 165; beats += 1) await beat();
    expect(idle.wire.closed?.code).toBe(CLOSE.unauthenticated);
    expect(fresh.wire.closed).toBeUndefined();
  });
});

describe("subscriptions", () => {
  it("[OPEN-4] [SEQ-1] [SEQ-2] opens with a snapshot and streams every transaction, chained", async () => {
    const client = await bench.greeted("ann");
    client.say(
      ["open", { s: 1, doc: "list/a", create: true }],
      call(1, 1, "push", { text: "x" }),
      call(2, 1, "push", { text: "y" }),
    );
    const messages = await said(client);
    const [opened, snap, first, second] = messages;
    expect(opened).toMatchObject(["opened", { s: 1, mode: ["reset"], prev: [1], tag: [""] }]);
    const handle = snap?.[1];
    expect(snap).toEqual(["snap", handle, expect.any(Number), 1, { items: [] }]);
    expect(first).toEqual([
      "d",
      handle,
      1,
      2,
      [["+", "/items/0", "x"]],
      { at: bench.runtime.now(), by: "ann", ev: [[2, bench.runtime.now(), "pushed", "x"]] },
    ]);
    expect(second?.slice(0, 4)).toEqual(["d", handle, 2, 3]);
    expect(only(messages, "ok").map(([, n, , result]) => [n, result])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("[SEQ-3] lets a transaction that changed nothing move the position and not the chain", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, 1, "nothing", null));
    const advance = only(await said(client), "d")[0];
    expect(advance).toEqual(["d", expect.any(Number), 1, 2, [], { e: expect.any(Number) }]);
    client.say(call(2, 1, "push", { text: "x" }));
    expect(only(await said(client), "d")[0]?.slice(2, 4)).toEqual([1, 3]);
    const late = await bench.greeted("bob", { client: "cd".repeat(16) });
    client.say(call(3, 1, "nothing", null));
    late.say(["open", { s: 1, doc: "list/a" }]);
    const [opened, snap, advanced] = await said(late);
    expect(opened).toMatchObject(["opened", { prev: [3] }]);
    expect([snap?.[3], advanced?.slice(2, 5)]).toEqual([3, [3, 4, []]]);
  });

  it("[OPEN-5] [R3] resumes with exactly what was missed, whatever the missed transactions changed", async () => {
    const writer = await bench.greeted("ann");
    writer.say(
      ["open", { s: 1, doc: "list/a", create: true }],
      call(1, 1, "push", { text: "a long enough text to make a snapshot dearer" }),
    );
    const epoch = Number((await said(writer)).find(([type]) => type === "snap")?.[2]);
    for (const [n, name] of ["nothing", "push", "nothing"].entries()) {
      writer.say(call(n + 2, 1, name, name === "push" ? { text: "z" } : null));
      await said(writer);
    }
    const readers: { client: BenchClient; chain: number | undefined }[] = [];
    for (let held = 2; held <= 5; held += 1) {
      const client = await bench.greeted("bob", { client: `0${held}`.repeat(16) });
      client.say(["open", { s: 1, doc: "list/a", at: [[epoch, held, ""]] }]);
      const [opened, ...deltas] = await said(client);
      expect(opened).toMatchObject(["opened", { mode: ["resume"] }]);
      let chain = opened?.[0] === "opened" ? opened[1].prev[0] : undefined;
      let position = held;
      for (const delta of deltas) {
        if (delta[0] !== "d") throw new Error(`unexpected ${delta[0]}`);
        expect(delta[2]).toBe(chain);
        position = delta[3];
        if (delta[4].length > 0) chain = delta[3];
      }
      expect(position).toBe(5);
      readers.push({ client, chain });
    }
    writer.say(call(9, 1, "push", { text: "w" }));
    await bench.settle();
    for (const { client, chain } of readers) expect(only(client.wire.take(), "d")[0]?.[2]).toBe(chain);
  });

  it("[HEAD-1] [SEQ-3] says where a resumed stream is, also when its document was loaded without what it missed", async () => {
    const writer = await bench.greeted("ann");
    writer.say(["open", { s: 1, doc: "list/a", create: true }]);
    const epoch = Number((await said(writer)).find(([type]) => type === "snap")?.[2]);
    writer.say(call(1, 1, "nothing", null));
    await said(writer);
    writer.drop();
    // Unloaded with a snapshot at its head: loaded again, no row is known to have changed it.
    await bench.runtime.advance(200_000);
    expect(bench.documents.loadedCount).toBe(0);
    const reader = await bench.greeted("bob", { client: "cd".repeat(16) });
    reader.say(["open", { s: 1, doc: "list/a", at: [[epoch, 1, ""]] }], ["ping", 1, []]);
    const [pong, opened, ...deltas] = await said(reader);
    const { prev, mode } = opened?.[0] === "opened" ? opened[1] : {};
    expect([pong?.[0], mode]).toEqual(["pong", ["resume"]]);
    expect(deltas.map((delta) => delta.slice(2))).toEqual([[prev?.[0], 2, [], { e: epoch }]]);
  });

  it("[SEQ-4] [EVENT-2] resets a position of another history, and says that events may be lost", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, 1, "push", { text: "x" }));
    const epoch = Number((await said(client)).find(([type]) => type === "snap")?.[2]);
    client.say(["close", 1], ["open", { s: 2, doc: "list/a", at: [[epoch + 1, 2, ""]] }]);
    const [opened, snap] = await said(client);
    expect(opened).toMatchObject(["opened", { mode: ["reset"], gap: true }]);
    expect(snap?.[0]).toBe("snap");
  });

  it("[SEQ-5] [EVENT-2] resets a client that found itself wrong, with the events it missed", async () => {
    const client = await bench.greeted("ann");
    client.say(
      ["open", { s: 1, doc: "list/a", create: true }],
      call(1, 1, "push", { text: "x" }),
      call(2, 1, "push", { text: "y" }),
    );
    const epoch = Number((await said(client)).find(([type]) => type === "snap")?.[2]);
    client.say(["close", 1], ["open", { s: 2, doc: "list/a", at: [[epoch, 2, "!"]] }]);
    const [opened, snap] = await said(client);
    expect(opened).toEqual([
      "opened",
      {
        s: 2,
        h: [expect.any(Number)],
        mode: ["reset"],
        prev: [3],
        tag: [""],
        events: [[3, bench.runtime.now(), "pushed", "y"]],
      },
    ]);
    expect(snap?.[4]).toEqual({ items: ["x", "y"] });
  });

  it("[OPEN-1] [R18] ends a subscription that cannot be, and nothing else; strangers learn nothing", async () => {
    const ann = await bench.greeted("ann");
    ann.say(
      ["open", { s: 1, doc: "list/a", create: true }],
      ["open", { s: 2, doc: "list/absent" }],
      ["open", { s: 3, doc: "list/.." }],
      ["open", { s: 4, doc: "none/a" }],
    );
    const ended = only(await said(ann), "ended").map((message) =>
      message[0] === "ended" ? [message[1].s, message[1].code] : [],
    );
    expect(ended).toEqual(
      expect.arrayContaining([
        [2, "not_found"],
        [3, "invalid_key"],
        [4, "unknown_type"],
      ]),
    );
    const stranger = await bench.greeted("stranger", { client: "cd".repeat(16) });
    stranger.say(["open", { s: 1, doc: "list/a" }], ["open", { s: 2, doc: "list/absent" }]);
    const told = (await said(stranger)).map((message) => (message[0] === "ended" ? { ...message[1], s: 0 } : message));
    expect(told).toEqual([
      { s: 0, code: "denied", retry: "never" },
      { s: 0, code: "denied", retry: "never" },
    ]);
    ann.say(call(1, 1, "push", { text: "still here" }));
    expect(types(await said(ann))).toEqual(["d", "ok"]);
  });

  it("[OPEN-2] [ERR-3] refuses a number that was used and a document that is open already", async () => {
    for (const second of [
      { s: 1, doc: "list/b" },
      { s: 2, doc: "list/a" },
    ]) {
      const client = await bench.greeted("ann");
      client.say(["open", { s: 1, doc: "list/a", create: true }], ["open", second]);
      expect(only(await said(client), "err")).toMatchObject([["err", { code: "protocol_error", about: "open" }]]);
      expect(client.wire.closed?.code).toBe(CLOSE.protocolError);
      bench = new SessionBench({ types: { list }, store: openStore() });
    }
  });

  it("[OPEN-7] sends nothing after close, and answers that waited for the first payload still come", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, 1, "push", { text: "x" }), ["close", 1]);
    expect(types(await said(client))).toEqual(["ok"]);
    client.say(call(2, "list/a", "push", { text: "y" }));
    expect(types(await said(client))).toEqual(["ok"]);
  });

  it("[OPEN-8] ends everybody when the document is deleted", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, "$", "delete", { doc: "list/a" }));
    const messages = await said(client);
    expect(only(messages, "ended")).toEqual([["ended", { s: 1, code: "deleted", retry: "never" }]]);
    expect(only(messages, "ok")).toHaveLength(1);
  });

  it("[REQ-19] [R8] lets a call that crossed the end of its subscription reach its document", async () => {
    const ann = await bench.greeted("ann");
    const bob = await bench.greeted("bob", { client: "cd".repeat(16) });
    bob.say(["open", { s: 1, doc: "list/l", create: true }]);
    await said(bob);
    ann.say(["c", 1, "$", "delete", { doc: "list/l" }, { born: 1_700_000_000_000, low: 1 }]);
    expect(types(await said(bob))).toEqual(["ended"]);
    bob.say(call(1, 1, "push", { text: "under way" }));
    expect((await said(bob)).map((message) => message.slice(0, 3))).toEqual([["no", 1, "deleted"]]);
    // Who closes a subscription knows so, and names it no more.
    bob.say(["close", 1], call(2, 1, "push", { text: "too late" }));
    expect((await said(bob)).map((message) => message.slice(0, 3))).toEqual([["no", 2, "not_found"]]);
  });

  it("[OPEN-6] [FRAME-2] gives all followers of a codec the same bytes under one handle, in one write each", async () => {
    const clients = await Promise.all(
      [0, 1, 2, 3].map((index) =>
        bench.greeted("ann", {
          client: `0${index}`.repeat(16),
          codec: index < 2 ? (codecFor("tidemark.v1.json") ?? msgpackCodec) : msgpackCodec,
        }),
      ),
    );
    const [writer] = clients;
    for (const client of clients) client.say(["open", { s: 1, doc: "list/a", create: true }]);
    await bench.settle();
    for (const client of clients) client.wire.take();
    writer?.say(call(1, 1, "push", { text: "x" }), call(2, 1, "push", { text: "y" }));
    await bench.settle();
    const writes = clients.map(({ wire }) => wire.writes.length);
    const received = clients.map(({ wire }) => only(wire.take(), "d"));
    expect(writes).toEqual([1, 1, 1, 1]);
    for (const deltas of received) expect(deltas).toEqual(received[0]);
    expect(received[0]).toHaveLength(2);
  });
});

describe("requests", () => {
  it("[REQ-1] [REQ-2] [REQ-15] answers each call once, after the delta that covers it, and a failed one changes nothing", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, 1, "push", { text: "w" }));
    await said(client);
    client.say(
      call(2, 1, "fail", null),
      call(3, 1, "push", { text: "x" }),
      call(4, 1, "push", { text: 5 }),
      call(5, 1, "count", null, { q: 1 }),
    );
    const [failed, delta, pushed, invalid, counted, ...rest] = await said(client);
    expect(rest).toEqual([]);
    const kept = expect.not.stringContaining("secret");
    expect(failed).toMatchObject(["no", 2, "handler_failed", kept, { retry: "never", fault: "service" }]);
    expect(delta?.slice(2, 4)).toEqual([2, 3]);
    expect(pushed).toMatchObject(["ok", 3, [expect.any(Number), 3], 2]);
    const issue = { path: "/text", expected: expect.any(String), received: expect.any(String) };
    expect(invalid).toMatchObject(["no", 4, "invalid_input", expect.any(String), { data: [issue] }]);
    expect(counted).toEqual(["ok", 5, null, 2]);
  });

  it("[REQ-15] [R19] tells a rejection's own words and data, in either codec", async () => {
    for (const codec of [jsonCodec, msgpackCodec]) {
      const client = await bench.greeted("ann", { client: `${codec.name === "json" ? "a" : "b"}0`.repeat(16), codec });
      client.say(["open", { s: 1, doc: "list/a", create: true }], call(1, 1, "refuse", null));
      const [refusal] = only(await said(client), "no");
      const told = { retry: "never", fault: "caller", reason: "full", data: { most: { items: 3 }, list: [1] } };
      expect(refusal).toEqual(["no", 1, "rejected", "no more room", told]);
    }
  });

  it("[REQ-13] takes a call by the name of a query for one", async () => {
    const client = await bench.greeted("ann");
    client.say(call(1, "$", "create", { doc: "list/a", input: true }));
    await said(client);
    client.say(call(2, "list/a", "count", null), call(3, "list/a", "$head", null, { q: 1 }));
    expect(await said(client)).toEqual([
      ["ok", 2, null, 0],
      ["ok", 3, null, [expect.any(Number), 1]],
    ]);
  });

  it("[REQ-2] holds an answer back while the subscription is opening", async () => {
    const client = await bench.greeted("ann");
    client.say(call(1, "$", "create", { doc: "list/a", input: true }));
    await said(client);
    client.say(["open", { s: 1, doc: "list/a", at: [[1, 1, ""]] }], call(2, 1, "push", { text: "x" }));
    expect(types(await said(client)).indexOf("ok")).toBeGreaterThan(0);
  });

  it("[REQ-18] serves create, get, list, delete, whoami and $head, and refuses other names", async () => {
    const client = await bench.greeted("ann");
    client.say(call(1, "$", "create", { doc: "list/a", input: true }));
    expect(await said(client)).toMatchObject([["ok", 1, [expect.any(Number), 1]]]);
    client.say(
      call(2, "$", "get", { doc: "list/a" }, { q: 1 }),
      call(3, "$", "whoami", null, { q: 1 }),
      call(4, "$", "list", { type: "list" }, { q: 1 }),
    );
    client.say(
      call(5, "list/a", "$head", null, { q: 1 }),
      call(6, "$", "nonsense", null),
      call(7, "list/a", "$delete", null),
    );
    const answers = await said(client);
    const byNumber = new Map(answers.map((message) => [message[1], message]));
    expect(byNumber.get(2)?.[3]).toEqual({ state: { items: [] }, at: [expect.any(Number), 1] });
    expect(byNumber.get(3)?.[3]).toEqual({ id: "ann", roles: [], claims: {}, expiresAt: expect.any(Number) });
    expect(byNumber.get(4)?.[3]).toEqual({ keys: ["a"] });
    expect(byNumber.get(5)?.[3]).toEqual([expect.any(Number), 1]);
    expect([byNumber.get(6)?.[2], byNumber.get(7)?.[2]]).toEqual(["unknown_message", "unknown_message"]);
  });

  it("[ERR-1] says when to try again wherever a retry is invited", async () => {
    const client = await bench.greeted("ann");
    const opens = Array.from(
      { length: LIMITS.subscriptionsMax + 1 },
      (_, s) => ["open", { s: s + 1, doc: `list/${s}`, create: true }] as const,
    );
    client.say(...opens);
    expect(only(await said(client), "ended")).toEqual([
      [
        "ended",
        {
          s: LIMITS.subscriptionsMax + 1,
          code: "limit_reached",
          retry: "after",
          afterMs: expect.any(Number),
          data: { limit: "subscriptionsMax", value: LIMITS.subscriptionsMax },
        },
      ],
    ]);
  });

  it("[R14] ends a connection that has more in flight than it was told it may", async () => {
    const client = await bench.greeted("ann");
    client.say(
      ...Array.from({ length: LIMITS.inFlightMax + 1 }, (_, n) => call(n + 1, "list/a", "push", { text: "x" })),
    );
    expect(client.wire.closed?.code).toBe(CLOSE.overloaded);
  });
});

describe("heartbeats", () => {
  it("[HEAD-1] [HEAD-2] pings with the position of every open subscription, 64 to a ping, and echoes pings", async () => {
    const client = await bench.greeted("ann");
    client.say(...Array.from({ length: 100 }, (_, s) => ["open", { s, doc: `list/${s}`, create: true }] as const));
    await said(client);
    await bench.runtime.advance(LIMITS.pingIntervalMs);
    const pings = only(await said(client), "ping");
    expect(pings.map(([, , heads]) => Array.isArray(heads) && heads.length / 3)).toEqual([64, 36]);
    client.say(["ping", 42, [1, 1, 1]]);
    const pongs = only(await said(client), "pong");
    expect(pongs.map(([, k, heads]) => [k, Array.isArray(heads) && heads.length / 3])).toEqual([
      [42, 64],
      [42, 36],
    ]);
    client.say(["ping", 43, []]);
    expect(only(await said(client), "pong")).toEqual([["pong", 43, []]]);
  });

  it("[HEAD-2] says in an answer how many subscriptions heads leave out, and then of the others where they are", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }]);
    await said(client);
    client.say(["open", { s: 2, doc: "list/b", create: true }], ["ping", 1, []]);
    expect(only(await said(client), "pong")).toEqual([["pong", 1, expect.any(Array), { left: 1 }]]);
    client.say(["ping", 2, []]);
    expect(only(await said(client), "pong")).toEqual([["pong", 2, []]]);
  });

  it("[HEAD-1] ends each round of heads by a ping with room for more", async () => {
    const client = await bench.greeted("ann");
    client.say(...Array.from({ length: 64 }, (_, s) => ["open", { s, doc: `list/${s}`, create: true }] as const));
    await said(client);
    await bench.runtime.advance(LIMITS.pingIntervalMs);
    const pings = only(await said(client), "ping");
    expect(pings.map(([, , heads]) => Array.isArray(heads) && heads.length / 3)).toEqual([64, 0]);
  });

  it("[HEAD-4] [R13] gives up a connection from which nothing was read, and not one that only uploads", async () => {
    const silent = await bench.greeted("ann");
    const busy = await bench.greeted("bob", { client: "cd".repeat(16) });
    for (let beat = 0; beat < 5; beat += 1) {
      busy.wire.receivedBytes += 1;
      await bench.runtime.advance(LIMITS.pingIntervalMs);
    }
    expect(silent.wire.closed?.code).toBe(CLOSE.silent);
    expect(busy.wire.closed).toBeUndefined();
  });
});

describe("frames out", () => {
  it("[FRAME-11] splits what is much into frames, in order and in one write", async () => {
    const client = await bench.greeted("ann");
    client.say(["open", { s: 1, doc: "list/a", create: true }]);
    await said(client);
    const text = "x".repeat(20_000);
    client.say(...Array.from({ length: 200 }, (_, n) => call(n + 1, 1, "push", { text: n < 20 ? text : "y" })));
    await bench.settle();
    const frames = client.wire.writes.flat();
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(LIMITS.frameMessagesMax);
    const sizes = frames.map((frame) => JSON.stringify(frame).length);
    expect(Math.max(...sizes)).toBeLessThan(LIMITS.frameFlushBytes + 2 * text.length + 1_000);
    expect(frames.length).toBeGreaterThan(2);
    const seqs = only(client.wire.take(), "d").map((message) => message[3]);
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, index) => index + 2));
  });
});

describe("a server that stops", () => {
  it("[CLOSE-4] says when to come back, and then closes", async () => {
    const client = await bench.greeted("ann");
    const other = await bench.greeted("bob", { client: "cd".repeat(16) });
    bench.registry.drain();
    for (const { wire } of [client, other]) {
      expect(wire.take()).toEqual([
        ["goaway", { code: "draining", afterMs: expect.any(Number), jitterMs: expect.any(Number) }],
      ]);
      expect(wire.closed?.code).toBe(CLOSE.draining);
    }
    expect(bench.registry.size).toBe(0);
  });

  it("[CLOSE-4] spreads many over more time than few", () => {
    const jitters = [10, 20_000].map((count) => {
      const registry = new SessionRegistry();
      let jitter = 0;
      for (let n = 0; n < count; n += 1) {
        const session = {
          end: () => undefined,
          review: () => undefined,
          goAway: ({ jitterMs }: { jitterMs: number }) => {
            jitter = jitterMs;
          },
        };
        const principal = { id: `p${n}`, roles: [], claims: {}, kind: "user" } as const;
        registry.begins({ space: "", subject: `p${n}`, client: String(n), conn: 1 }, session, {
          principal,
          space: "",
          expiresAt: 1,
        });
      }
      registry.drain();
      return jitter;
    });
    expect(jitters[0]).toBe(1_000);
    expect(jitters[1]).toBeGreaterThanOrEqual((2 * 20_000 * 1_000) / LIMITS.upgradesPerSecond);
  });
});

describe("what clients report", () => {
  const report = (k: number, stats: JsonObject): ClientMessage => ["ping", k, [], { stats }];

  it("[HEAD-5] is added up, a report a minute of each, and answered like any ping", async () => {
    const ann = await bench.greeted("ann");
    const bob = await bench.greeted("bob", { client: "cd".repeat(16) });
    ann.say(report(1, { "healed.gap": 2, rttMs: 20 }), report(2, { "healed.gap": 100 }));
    bob.say(report(1, { "healed.gap": 1, late: 3, rttMs: 200 }));
    expect(await said(ann)).toEqual([
      ["pong", 1, []],
      ["pong", 2, []],
    ]);
    for (let beat = 0; beat < 3; beat += 1) {
      await bench.runtime.advance(20_000);
      ann.say(["ping", 3 + beat, []]);
    }
    ann.say(report(6, { late: 1 }));
    await bench.settle();
    expect(bench.registry.reports.take()).toMatchObject({
      reports: 3,
      counted: { "healed.gap": { reports: 2, sum: 3, max: 2 }, late: { reports: 2, sum: 4, max: 3 } },
      measured: { rttMs: { reports: 2, max: 200, atMost: { 30: 1, 300: 1 } } },
    });
  });

  it("[HEAD-5] [R19] is a client's word: before welcome nobody has one", async () => {
    const early = bench.connect();
    early.say(report(1, { late: 1 }));
    await bench.settle();
    expect(bench.registry.reports.take().reports).toBe(0);
  });
});

describe("tokens that come faster than they are checked", () => {
  it("[HELLO-6] [R15] are checked one at a time, and of those that wait only the newest", async () => {
    const asked: string[] = [];
    const answers: ((id: string) => void)[] = [];
    const slow = new SessionBench({
      types: { list },
      store: openStore(),
      check: (token) => {
        asked.push(token);
        return new Promise((resolve) =>
          answers.push((id) =>
            resolve({ principal: { id, roles: [token], claims: {} }, space: "", expiresAt: slow.runtime.now() + 1e9 }),
          ),
        );
      },
    });
    const client = slow.connect();
    client.say(hello("first"));
    answers[0]?.("ann");
    await slow.settle();
    for (let n = 0; n < 50; n += 1) client.say(["auth", { token: `t${n}` }]);
    await slow.settle();
    expect(asked).toEqual(["first", "t0"]);
    answers[1]?.("ann");
    await slow.settle();
    answers[2]?.("ann");
    await slow.settle();
    expect(asked).toEqual(["first", "t0", "t49"]);
    client.say(call(1, "$", "whoami", null, { q: 1 }));
    await slow.settle();
    expect(client.wire.take().at(-1)).toMatchObject(["ok", 1, null, { roles: ["t49"] }]);
  });
});

describe("slow readers", () => {
  it("[CLOSE-3] [R14] closes a connection past its hard limit, and nobody else notices", async () => {
    const slow = await bench.greeted("ann");
    const healthy = await bench.greeted("bob", { client: "cd".repeat(16) });
    for (const client of [slow, healthy]) client.say(["open", { s: 1, doc: "list/a", create: true }]);
    await bench.settle();
    slow.wire.bufferedBytes = LIMITS.outboundHardBytes + 1;
    healthy.say(call(1, 1, "push", { text: "x" }));
    await bench.settle();
    expect(slow.wire.closed?.code).toBe(CLOSE.slowReader);
    expect(healthy.wire.closed).toBeUndefined();
    expect(types(healthy.wire.take()).slice(-2)).toEqual(["d", "ok"]);
  });
});
