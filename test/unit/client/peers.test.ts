// Signals and presence as a client shows them: against a scripted server, in virtual time.
import type { Message, OpenDocument, OpenOptions, Peer, Query, Tide } from "@tidemark/client";
import type { PresenceChange } from "@tidemark/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../../clients/typescript/src/client.js";
import { FakeServer, HANDLE } from "../../support/fake-server.js";
import { VirtualPlatform } from "../../support/virtual-platform.js";

interface PadContract {
  readonly view: { text: string };
  readonly messages: { write: Message<string, void> };
  readonly queries: { length: Query<void, number> };
  readonly events: object;
  readonly signals: { cursor: { x: number }; wave: null };
  readonly presence: { name: string };
  readonly params: { page?: number };
  readonly create: true;
  readonly indexes: object;
}

interface PadApp {
  readonly "~contracts": { readonly pad: PadContract };
}

type Pad = OpenDocument<PadApp, "pad">;

/** Where the server of these tests has signals and presence. */
const PEERS = 70;
const ANN = { name: "Ann" };
const BOB = { name: "Bob" };

let platform: VirtualPlatform;
let server: FakeServer;
let tide: Tide<PadApp>;

beforeEach(() => {
  platform = new VirtualPlatform();
  server = new FakeServer(platform);
  tide = createClient<PadApp>({ url: "https://tide.test", token: "token" }, platform);
});

/** Answers the newest `open`. */
function opens(you = "me", { h = HANDLE, peers = PEERS } = {}): void {
  const { s } = server.now.last("open")[1];
  server.now.send(
    ["opened", { s, h: [h], mode: ["reset"], prev: [1], tag: [""], peers: { h: peers, you } }],
    ["snap", h, 1, 1, { text: "" }],
  );
}

async function open(options?: OpenOptions<PadContract>): Promise<Pad> {
  const pad = tide.open("pad", "p", options);
  await server.settle();
  opens();
  await server.settle();
  return pad;
}

const present = (rev: number, change: PresenceChange): void => server.now.send(["pres", PEERS, rev, change]);
const shown = (peers: readonly Peer<{ name: string }>[]): unknown[] =>
  peers.map(({ peer, you, meta }) => [peer, meta.name, you]);

async function cut(): Promise<void> {
  const before = server.connections.length;
  server.now.close(1006);
  while (server.connections.length === before) await platform.advance(100);
  await server.settle();
}

describe("watching who is present", () => {
  test("[PRES-2] tells of each once: those there, who comes, shows something else, goes; over a cut as well", async () => {
    const pad = await open({ presence: ANN });
    const story: string[] = [];
    const stop = pad.presence.watch({
      joined: ({ meta }) => {
        story.push(`+${meta.name}`);
        if (meta.name === "Bob") throw new Error("a listener of the application's");
      },
      updated: ({ meta }, before) => story.push(`${before.meta.name}>${meta.name}`),
      left: ({ meta }) => story.push(`-${meta.name}`),
    });
    pad.presence.watch({});
    present(1, { all: [["me", ANN]], count: 1 });
    await server.settle();
    present(2, { join: [["b", BOB]], count: 2 });
    await server.settle();
    present(3, { join: [["b", { name: "Bobby" }]], count: 2 });
    await server.settle();
    expect(story).toEqual(["+Ann", "+Bob", "Bob>Bobby"]);
    await cut();
    opens();
    present(1, {
      all: [
        ["me", ANN],
        ["c", { name: "Cid" }],
      ],
      count: 2,
    });
    await server.settle();
    expect(story.slice(3)).toEqual(["-Bobby", "+Cid"]);
    const late: string[] = [];
    pad.presence.watch({ joined: ({ meta }) => late.push(meta.name) });
    expect(late).toEqual(["Ann", "Cid"]);
    stop();
    present(2, { leave: ["c"], count: 1 });
    await server.settle();
    expect(story).toHaveLength(5);
    expect(platform.reported).toHaveLength(1);
  });
});

describe("signals", () => {
  test("[SIG-1] leave at once while live, and are dropped otherwise", async () => {
    const pad = tide.open("pad", "p");
    pad.signal("cursor", { x: 0 });
    await server.settle();
    opens();
    pad.signal("cursor", { x: 1 });
    await server.settle();
    const { s } = server.now.last("open")[1];
    expect(server.now.all("sig")).toEqual([["sig", s, "cursor", { x: 1 }]]);
    server.now.close(1006);
    pad.signal("cursor", { x: 2 });
    await platform.advance(1_000);
    opens();
    await server.settle();
    expect(server.now.all("sig")).toEqual([]);
    pad.close();
    pad.signal("wave", null);
    await server.settle();
    expect(server.now.all("sig")).toEqual([]);
  });

  test("[SIG-2] are heard once by each opening, after the state of their frame, until it is closed", async () => {
    const pad = await open();
    const other = tide.open("pad", "p");
    const heard: unknown[] = [];
    pad.onSignal("cursor", ({ x }, peer) => heard.push([x, peer, pad.state?.text]));
    other.onSignal("cursor", ({ x }) => heard.push(x));
    pad.onSignal("wave", () => heard.push("wave"));
    server.now.send(["sig", PEERS, "cursor", { x: 1 }, "bob"], ["d", HANDLE, 1, 2, [["=", "/text", "new"]]]);
    expect(heard).toEqual([[1, "bob", "new"], 1]);
    other.close();
    server.now.send(["sig", PEERS, "wave", null, "bob"], ["sig", PEERS, "unknown", null, "bob"]);
    server.now.send(["sig", PEERS, "cursor", { x: 2 }, "bob"], ["sig", 71, "cursor", { x: 3 }, "bob"]);
    expect(heard).toEqual([[1, "bob", "new"], 1, "wave", [2, "bob", "new"]]);
    server.now.send(["ended", { s: server.now.last("open")[1].s, code: "deleted", retry: "never" }]);
    server.now.send(["sig", PEERS, "cursor", { x: 3 }, "bob"]);
    expect(heard).toHaveLength(4);
  });

  test("[SIG-2] come once to a connection that follows two views of a document, and are heard in both", async () => {
    const one = await open();
    const two = tide.open("pad", "p", { params: { page: 2 } });
    await server.settle();
    opens("me", { h: HANDLE + 1 });
    const heard: unknown[] = [];
    one.onSignal("wave", () => heard.push("one"));
    two.onSignal("wave", () => heard.push("two"));
    server.now.send(["sig", PEERS, "wave", null, "bob"]);
    expect(heard).toEqual(["one", "two"]);
    two.close();
    await platform.advance(6_000);
    server.now.send(["sig", PEERS, "wave", null, "bob"]);
    expect(heard).toEqual(["one", "two", "one"]);
  });

  test("[SIG-4] what is refused is reported, and the connection is none the worse", async () => {
    const pad = await open();
    const { s } = server.now.last("open")[1];
    const fault = { code: "invalid_input", message: "no", retry: "never", fault: "caller", about: "sig", s } as const;
    server.now.send(["err", { ...fault, data: [{ path: "/x" }] }]);
    expect(platform.reported).toHaveLength(1);
    expect(platform.reported[0]).toMatchObject({ code: "invalid_input", data: [{ path: "/x" }] });
    expect(String(platform.reported[0])).toContain("signal of pad/p: no");
    server.now.close(4500);
    expect(pad.error?.code).toBe("protocol_error");
    expect(() => pad.signal("cursor", { x: Number.NaN })).toThrow("expected a finite number");
  });
});

describe("presence", () => {
  test("[PRES-1] is said with the open, again on each connection, and changed in between", async () => {
    const pad = await open({ presence: ANN });
    expect(server.now.last("open")[1].presence).toEqual(ANN);
    await platform.advance(1_000);
    pad.presence.set(BOB);
    await server.settle();
    const { s } = server.now.last("open")[1];
    expect(server.now.all("pres")).toEqual([["pres", s, BOB]]);
    await cut();
    expect(server.now.last("open")[1].presence).toEqual(BOB);
    pad.presence.set(null);
    opens();
    await platform.advance(1_000);
    expect(server.now.all("pres").at(-1)?.[2]).toBeNull();
    await cut();
    expect(server.now.last("open")[1].presence).toBeNull();
  });

  test("[PRES-1] nobody is asked who is present until somebody wants to know", async () => {
    const pad = await open();
    expect([server.now.last("open")[1].presence, server.now.all("pres")]).toEqual([undefined, []]);
    expect([pad.presence.peers, pad.presence.count]).toEqual([[], 0]);
    await server.settle();
    const { s } = server.now.last("open")[1];
    expect(server.now.all("pres")).toEqual([["pres", s, null]]);
    present(3, { all: [["bob", BOB]], count: 1 });
    expect([shown(pad.presence.peers), pad.presence.count]).toEqual([[["bob", "Bob", false]], 1]);
  });

  test("[PRES-2] joins, updates, leaves; equal parts stay the same; listeners hear once a frame", async () => {
    const pad = await open({ presence: ANN });
    const told: unknown[] = [];
    pad.presence.subscribe(({ peers, count }) => told.push([shown(peers), count]));
    present(1, {
      all: [
        ["me", ANN],
        ["bob", BOB],
      ],
      count: 2,
    });
    const [me, bob] = pad.presence.peers;
    present(2, {
      join: [
        ["bob", { name: "Robert" }],
        ["cid", { name: "Cid" }],
      ],
      count: 3,
    });
    expect(pad.presence.peers[0]).toBe(me);
    expect(pad.presence.peers[1]).not.toBe(bob);
    present(3, { leave: ["bob"], count: 140 });
    const before = pad.presence.peers;
    present(3, { leave: ["me"], count: 0 });
    present(4, {
      count: 140,
      all: [
        ["me", { name: "Ann" }],
        ["cid", { name: "Cid" }],
      ],
    });
    expect(pad.presence.peers).toBe(before);
    expect(told).toEqual([
      [
        [
          ["me", "Ann", true],
          ["bob", "Bob", false],
        ],
        2,
      ],
      [
        [
          ["me", "Ann", true],
          ["bob", "Robert", false],
          ["cid", "Cid", false],
        ],
        3,
      ],
      [
        [
          ["me", "Ann", true],
          ["cid", "Cid", false],
        ],
        140,
      ],
    ]);
    pad.presence.subscribe(({ count }) => told.push(count));
    expect(told.at(-1)).toBe(140);
  });

  test("[PRES-2] [PRES-8] after a gap, or when heads say so, it asks for the list", async () => {
    const pad = await open({ presence: ANN });
    const { s } = server.now.last("open")[1];
    present(5, { join: [["early", BOB]], count: 9 });
    expect(pad.presence.count).toBe(0);
    present(1, { all: [["me", ANN]], count: 1 });
    present(3, { join: [["bob", BOB]], count: 3 });
    present(4, { count: 4 });
    await server.settle();
    expect(server.now.all("pres")).toEqual([["pres", s]]);
    expect(pad.presence.count).toBe(1);
    present(5, { all: [["bob", BOB]], count: 1 });
    expect(shown(pad.presence.peers)).toEqual([["bob", "Bob", false]]);
    server.now.send(["ping", 1, [HANDLE, 1, 1, PEERS, 0, 5]]);
    await server.settle();
    expect(server.now.all("pres")).toHaveLength(1);
    server.now.send(["ping", 2, [HANDLE, 1, 1, PEERS, 0, 6]]);
    await server.settle();
    expect(server.now.all("pres")).toHaveLength(2);
    expect(pad.status).toBe("live");
  });

  test("[PRES-2] what was known is shown over a cut, and compared with what comes", async () => {
    const pad = await open({ presence: ANN });
    present(1, {
      all: [
        ["me", ANN],
        ["bob", BOB],
      ],
      count: 2,
    });
    const { peers } = pad.presence;
    await cut();
    expect([pad.status, pad.presence.peers === peers]).toEqual(["stale", true]);
    opens("me2");
    present(7, {
      all: [
        ["bob", BOB],
        ["me2", ANN],
      ],
      count: 2,
    });
    expect(shown(pad.presence.peers)).toEqual([
      ["bob", "Bob", false],
      ["me2", "Ann", true],
    ]);
    expect(pad.presence.peers[0]).toBe(peers[1]);
  });

  test("[R18] is erased when the document is denied", async () => {
    const pad = await open({ presence: ANN });
    present(1, { all: [["bob", BOB]], count: 1 });
    const told: unknown[] = [];
    pad.presence.subscribe(({ count }) => told.push([count, pad.status]));
    server.now.send(["ended", { s: server.now.last("open")[1].s, code: "denied", retry: "never" }]);
    expect([told, pad.presence.peers]).toEqual([
      [
        [1, "live"],
        [0, "denied"],
      ],
      [],
    ]);
  });

  test("[PRES-1] is set no more often than it is taken, the last one for sure", async () => {
    const pad = await open({ presence: ANN });
    await platform.advance(1_000);
    for (let index = 0; index < 20; index++) {
      pad.presence.set({ name: `${index}` });
      await platform.advance(20);
    }
    await platform.advance(1_000);
    const said = server.now.all("pres");
    expect(said.length).toBeLessThanOrEqual(4);
    expect(said.at(-1)?.[2]).toEqual({ name: "19" });
  });

  test("[PRES-4] openings share it: what was set last shows, and goes when its opening is closed", async () => {
    const pad = await open({ presence: ANN });
    const other = tide.open("pad", "p", { presence: BOB });
    await platform.advance(1_000);
    expect(server.now.last("pres")[2]).toEqual(BOB);
    other.close();
    await platform.advance(1_000);
    expect(server.now.last("pres")[2]).toEqual(ANN);
    other.presence.set({ name: "closed" });
    pad.close();
    await platform.advance(1_000);
    expect(server.now.last("pres")[2]).toBeNull();
    expect(server.now.all("close")).toHaveLength(0);
  });

  test("[PRES-1] what is not JSON fails where it is said", async () => {
    const bad = tide.open("pad", "bad", { presence: { name: Number.NaN as never } });
    expect([bad.status, bad.error?.code]).toEqual(["ended", "invalid_input"]);
    const pad = await open();
    expect(() => pad.presence.set({ name: 1n as never })).toThrow("expected JSON");
  });
});

test("[PRES-1] a channel has presence too", async () => {
  const channel = tide.channel("dogs", { presence: { name: "Ann" } });
  await server.settle();
  expect(server.now.last("open")[1]).toMatchObject({ doc: "channel/dogs", presence: { name: "Ann" } });
  opens();
  present(1, { all: [["bob", "anything"]], count: 1 });
  expect(channel.presence.peers).toEqual([{ peer: "bob", you: false, meta: "anything" }]);
  channel.close();
  await platform.advance(1_000);
  expect(server.now.last("pres")[2]).toBeNull();
});
