import { memoryStorage, type Tide } from "@tidemark/client";
import { describe, expect, test } from "vitest";
import { createClient } from "../../../clients/typescript/src/client.js";
import { CLIENT_LIMITS } from "../../../clients/typescript/src/limits.js";
import { type FakeConnection, FakeServer, SERVER_NOW } from "../../support/fake-server.js";
import { SharedStorage } from "../../support/shared-storage.js";
import { VirtualPlatform } from "../../support/virtual-platform.js";
import { type BoardApp, hear, type World } from "./world.js";

interface Page extends World {
  /** Its client id. */
  readonly client: string;
  crash(): void;
}

let pages = 0;

/** A page of a browser; its connections to the server are its own. */
function open(shared: SharedStorage, { url = "https://tide.test" } = {}): Page {
  const platform = new VirtualPlatform();
  const byte = ++pages;
  platform.randomBytes = (length) => new Uint8Array(length).fill(byte);
  const server = new FakeServer(platform);
  const { storage, crash } = shared.page();
  const tide = createClient<BoardApp>({ url, token: "token", storage, transport: "websocket" }, platform);
  return { platform, server, tide, client: byte.toString(16).padStart(2, "0").repeat(16), crash };
}

const call = (tide: Tide<BoardApp>, key = "a", deadlineMs = 60_000) =>
  hear(tide.call("board", key).add({ text: key }, { deadlineMs }));

/** A page that has sent so many calls and then is gone, without an answer. */
async function left(shared: SharedStorage, count: number): Promise<Page> {
  const page = open(shared);
  for (let sent = 0; sent < count; sent++) call(page.tide, sent % 2 === 0 ? "a" : "b");
  await page.server.settle();
  page.crash();
  return page;
}

/** The connections that speak in a client's name, oldest first. */
const named = ({ server }: Page, client: string): FakeConnection[] =>
  server.connections.filter((connection) => connection.all("hello")[0]?.[1].client === client);

/** Asks for something, so that the page connects and looks around. */
async function awake(page: Page): Promise<void> {
  hear(page.tide.service.whoami());
  await page.server.settle();
}

const copies = (connection: FakeConnection | undefined): unknown[] =>
  (connection?.calls ?? []).map(([, n, target, name, input, extension]) => [n, target, name, input, extension]);

describe("the record", () => {
  test("[REQ-20] holds what is not answered yet, but no queries and nothing that was aborted", async () => {
    const shared = new SharedStorage();
    const { tide, server, client } = open(shared);
    const stop = new AbortController();
    call(tide);
    hear(tide.call("board", "b").clear(undefined, { signal: stop.signal }));
    hear(tide.open("board", "c").query.count());
    hear(tide.service.whoami());
    await server.settle();
    expect(shared.numbers(client)).toEqual([1, 2]);
    stop.abort();
    await server.settle();
    expect(shared.numbers(client)).toEqual([1]);
    server.now.ok(1, 1);
    await server.settle();
    expect([...shared.records]).toEqual([]);
  });

  test.each([
    ["an answer", (server: FakeServer) => server.now.ok(1, 1)],
    [
      "a refusal",
      (server: FakeServer) => server.now.send(["no", 1, "denied", "", { retry: "never", fault: "caller" }]),
    ],
  ])("[REQ-20] [R8] forgets a call before its application hears of %s", async (_what, say) => {
    const shared = new SharedStorage();
    const { tide, server, client } = open(shared);
    const sent = call(tide);
    await server.settle();
    let pass: () => void = () => undefined;
    shared.gate = () =>
      new Promise((resolve) => {
        pass = resolve;
      });
    say(server);
    await server.settle();
    expect([sent.pending, shared.numbers(client)]).toEqual([true, [1]]);
    pass();
    await server.settle();
    expect([sent.pending, shared.numbers(client)]).toEqual([false, []]);
  });

  test("[R8] what a store refuses to forget, or does not say, is not told as rejected", async () => {
    for (const gate of [() => Promise.reject(new Error("no room")), () => new Promise<void>(() => undefined)]) {
      const shared = new SharedStorage();
      const { tide, server, platform } = open(shared);
      const [refused, applied, late] = [call(tide), call(tide), call(tide, "a", 1_000)];
      await server.settle();
      shared.gate = gate;
      server.now.send(["no", 1, "denied", "", { retry: "never", fault: "caller" }]);
      server.now.ok(2, 1);
      server.now.send(["no", 3, "overloaded", "", { retry: "after", fault: "service", afterMs: 60_000 }]);
      await platform.advance(7_000);
      expect(refused.answer).toMatchObject({ code: "denied", outcome: "unknown" });
      expect(applied).toMatchObject({ pending: false, answer: undefined });
      expect(late.answer).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
    }
  });

  test("[R8] a page that stood still gives its store its time again", async () => {
    const shared = new SharedStorage();
    const { tide, server, platform } = open(shared);
    const refused = call(tide);
    await server.settle();
    let answer: () => void = () => undefined;
    shared.gate = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    server.now.send(["no", 1, "denied", "", { retry: "never", fault: "caller" }]);
    await platform.advance(10);
    await platform.freeze(60_000);
    expect(refused.pending).toBe(true);
    answer();
    await server.settle();
    expect(refused.answer).toMatchObject({ code: "denied", outcome: "rejected" });
  });

  test("is written once for all that happens in a tick, and one writing at a time", async () => {
    const shared = new SharedStorage();
    const { tide, server } = open(shared);
    for (let count = 0; count < 100; count++) call(tide);
    await server.settle();
    expect(shared.log.length).toBeLessThan(5);
    for (let n = 1; n <= 100; n++) server.now.ok(n, n);
    await server.settle();
    expect(shared.log.length).toBeLessThan(9);
    expect(shared.records.size).toBe(0);
  });

  test("[R8] a client that is closed by its application leaves nothing that it has told as over", async () => {
    const shared = new SharedStorage();
    const { tide, server, client } = open(shared);
    const sent = call(tide);
    await server.settle();
    tide.close();
    await server.settle();
    expect([sent.answer, shared.numbers(client)]).toMatchObject([{ code: "closed", outcome: "unknown" }, []]);
    const { storage } = shared.page();
    expect(await storage.lock(client)).toBeDefined();
  });

  test("without the lock of its own name nothing is kept, and everything else goes on", async () => {
    const shared = new SharedStorage();
    const squatter = shared.page();
    await squatter.storage.lock((pages + 1).toString(16).padStart(2, "0").repeat(16));
    const { tide, server } = open(shared);
    const sent = call(tide);
    await server.settle();
    server.now.ok(1, 1);
    await server.settle();
    expect([sent.pending, shared.records.size]).toEqual([false, 0]);
  });
});

describe("adoption", () => {
  test("[REQ-20] [REQ-16] a later page sends what is stored on a connection of its own, in the old name and numbers", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 3);
    const first = copies(old.server.now);
    const page = open(shared);
    page.server.welcoming = false;
    page.server.onMessage = (connection, [type]) => {
      if (type === "hello") queueMicrotask(() => connection.welcome({ now: SERVER_NOW + 9_000 }));
    };
    call(page.tide, "mine");
    await page.platform.advance(1_000);
    const [adopted, ...none] = named(page, old.client);
    expect(none).toEqual([]);
    expect(copies(adopted).toSorted()).toEqual(first.toSorted());
    expect(adopted?.received.map(([type]) => type)).toEqual(["hello", "c", "c", "c"]);
    expect(adopted?.last("hello")[1].conn).toBeGreaterThan(old.server.now.last("hello")[1].conn);
    expect(named(page, page.client)[0]?.calls.map(([, n, target]) => [n, target])).toEqual([[1, "board/mine"]]);
  });

  test("[REQ-20] removes call by call, and ends when all are answered", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 3);
    const page = open(shared);
    await awake(page);
    const [adopted] = named(page, old.client);
    adopted?.ok(2, 5);
    await page.server.settle();
    expect([shared.numbers(old.client), adopted?.open]).toEqual([[1, 3], true]);
    adopted?.send(["no", 1, "denied", "", { retry: "never", fault: "caller" }]);
    adopted?.send(["unk", 3, "settled", { final: true }]);
    await page.server.settle();
    expect([shared.records.size, adopted?.open, page.tide.stats.adopted]).toEqual([0, false, 3]);
    expect(named(page, page.client)[0]?.open).toBe(true);
  });

  test("[REQ-20] the record of a page that lives is left alone", async () => {
    const shared = new SharedStorage();
    const living = open(shared);
    call(living.tide);
    await living.server.settle();
    const page = open(shared);
    await awake(page);
    expect([named(page, living.client), shared.numbers(living.client)]).toEqual([[], [1]]);
  });

  test("[REQ-20] a page that lives on looks again: what dies later, or holds its lock a moment longer, is not left", async () => {
    const shared = new SharedStorage();
    const dying = open(shared);
    call(dying.tide);
    await dying.server.settle();
    const page = open(shared);
    await awake(page);
    dying.crash();
    await page.platform.advance(CLIENT_LIMITS.lookIntervalMs + 1_000);
    expect(named(page, dying.client)[0]?.calls.map(([, n]) => n)).toEqual([1]);
    page.tide.close();
    const timers = page.platform.pending;
    await page.platform.advance(60_000);
    expect([timers, page.platform.pending]).toEqual([0, 0]);
  });

  test("[REQ-12] [REQ-20] whoever adopts from an adopter that died has greater connection numbers still", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 2);
    const conns: number[] = [old.server.now.last("hello")[1].conn];
    for (const n of [1, 2]) {
      const page = open(shared);
      await awake(page);
      // Its connection is lost and made again, so that its numbers rise as well.
      named(page, old.client)[0]?.close(1006);
      await page.platform.advance(300);
      const adopted = named(page, old.client).at(-1);
      conns.push(adopted?.last("hello")[1].conn ?? 0);
      adopted?.ok(n, n);
      await page.server.settle();
      page.crash();
    }
    expect(conns).toEqual([...new Set(conns)].toSorted((a, b) => a - b));
    expect(shared.records.size).toBe(0);
  });

  test("[REQ-12] [REQ-20] says nothing before the store knows that there is another adopter, or if it does not take that", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 1);
    let refuse: (error: unknown) => void = () => undefined;
    shared.gate = () =>
      new Promise((_pass, fail) => {
        refuse = fail;
      });
    const page = open(shared);
    await awake(page);
    expect(named(page, old.client)).toEqual([]);
    refuse(new Error("no room"));
    await page.platform.advance(10_000);
    expect([named(page, old.client), shared.numbers(old.client)]).toEqual([[], [1]]);
    const { storage } = shared.page();
    expect(await storage.lock(old.client)).toBeDefined();
  });

  test("[REQ-20] [REQ-5] not for another subject, nor at another server; what is too old goes", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 1);
    const stranger = open(shared);
    stranger.server.welcoming = false;
    await awake(stranger);
    stranger.server.now.welcome({ sub: "bob" });
    await stranger.server.settle();
    const elsewhere = open(shared, { url: "https://other.test" });
    await awake(elsewhere);
    expect([named(stranger, old.client), named(elsewhere, old.client)]).toEqual([[], []]);
    expect(shared.numbers(old.client)).toEqual([1]);
    stranger.server.now.close(1006);
    await stranger.platform.advance(300);
    stranger.server.now.welcome({ sub: "bob", now: SERVER_NOW + 8 * 86_400_000 });
    await stranger.server.settle();
    expect(shared.records.has(old.client)).toBe(false);
  });

  test("[REQ-20] [REQ-5] nor when the second connection turns out to be somebody else's", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 1);
    const page = open(shared);
    page.server.welcoming = false;
    await awake(page);
    page.server.now.welcome();
    await page.server.settle();
    const [adopted] = named(page, old.client);
    adopted?.welcome({ sub: "bob" });
    await page.server.settle();
    expect([adopted?.calls, adopted?.open, shared.numbers(old.client)]).toEqual([[], false, [1]]);
  });

  test("[REQ-10] calls that no server's clock had dated age by this machine's, and are dated by whoever adopts them", async () => {
    const shared = new SharedStorage();
    const old = open(shared);
    old.server.reachable = false;
    call(old.tide, "a", 10_000);
    call(old.tide, "b", 60_000);
    await old.server.settle();
    old.crash();
    const page = open(shared);
    page.platform.wallOffsetMs += 20_000;
    await awake(page);
    const [adopted] = named(page, old.client);
    const extension = { born: SERVER_NOW, ttl: 40_000, low: 2 };
    expect(copies(adopted)).toEqual([[2, "board/b", "add", { text: "b" }, extension]]);
    expect(shared.numbers(old.client)).toEqual([2]);
  });

  test("what it cannot read, it leaves to whoever can", async () => {
    const shared = new SharedStorage();
    for (const [client, record] of [
      ["a", "not JSON"],
      ["b", '{"v":2}'],
      ["c", '{"v":1,"head":{"url":"wss://tide.test/v1/socket","generation":0},"calls":[{"n":1}]}'],
    ] as const) {
      shared.records.set(client, record);
    }
    const page = open(shared);
    await awake(page);
    expect([shared.records.size, page.server.connections.length, page.platform.reported]).toEqual([3, 1, []]);
  });

  test("a client that is closed stops adopting, and the record stays for the next", async () => {
    const shared = new SharedStorage();
    const old = await left(shared, 2);
    const page = open(shared);
    await awake(page);
    page.tide.close();
    await page.server.settle();
    expect([named(page, old.client)[0]?.open, shared.numbers(old.client)]).toEqual([false, [1, 2]]);
    const next = open(shared);
    await awake(next);
    expect(named(next, old.client).length).toBe(1);
  });
});

test("[REQ-20] memoryStorage gives each name's lock to one at a time", async () => {
  const storage = memoryStorage();
  const release = await storage.lock("a");
  expect(await storage.lock("a")).toBeUndefined();
  release?.();
  expect(await storage.lock("a")).toBeDefined();
  await storage.write("a", "1");
  expect(await storage.read()).toEqual([{ client: "a", record: "1" }]);
  await storage.delete("a");
  expect(await storage.read()).toEqual([]);
});
