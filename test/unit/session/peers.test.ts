// Signals and presence through real sessions: who hears what, who is listed, and what becomes of those who are cut off.
import {
  type ClientMessage,
  type Json,
  jsonCodec,
  LIMITS,
  msgpackCodec,
  type PresenceMessage,
  type ServerMessage,
} from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { documentType } from "../../../src/document/definition/document-type.js";
import type { Grant } from "../../../src/document/grants.js";
import type { Identified } from "../../../src/session/identity.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { type BenchClient, call, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const state = z.object({ banned: z.record(z.string(), z.boolean()), text: z.string() });
const init = (): z.infer<typeof state> => ({ banned: {}, text: "" });
const messages = {
  signals: {
    cursor: z.object({ x: z.number() }),
    ping: z.null(),
    long: z.string(),
    odd: z.string().transform(() => Number.NaN),
  },
  presence: z.object({ name: z.string().min(1) }),
};

const pad = documentType({
  state,
  init,
  ...messages,
  canCreate: () => true,
  canOpen: (viewer, { banned }) => banned[viewer.id] !== true,
  messages: (message) => ({
    ban: message(z.string(), (ctx, id) => {
      ctx.state.banned[id] = true;
    }),
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
  }),
});

const named = documentType({
  state,
  init,
  ...messages,
  revealAuthor: true,
  canCreate: () => true,
  messages: () => ({}),
});
const quiet = documentType({ state, init, canCreate: () => true, messages: () => ({}) });
const gated = documentType({
  state,
  init,
  ...messages,
  canCreate: () => true,
  canOpen: () => false,
  messages: () => ({}),
});
const viewed = documentType({
  state,
  init,
  ...messages,
  canCreate: () => true,
  shared: () => ({}),
  mine: { key: (viewer) => viewer.id, of: (_state, me) => ({ me }) },
  messages: () => ({}),
});

/** How long until everything that was said has been told. */
const TOLD_MS = LIMITS.presenceIntervalMs * 2;
const GRANTS: Record<string, readonly Grant[]> = {
  guest: [{ doc: "gated/*", may: ["open"] }],
  member: [{ doc: "gated/*", may: ["open", "presence"] }],
};

let bench: SessionBench;
let clients = 0;

/** One socket that follows a document, and what it holds of those present. */
class Tab {
  readonly client: BenchClient;
  readonly heard: ServerMessage[] = [];
  peers = new Map<string, Json>();
  count = 0;
  rev = -1;
  you = "";

  constructor(client: BenchClient) {
    this.client = client;
  }

  say(...said: ClientMessage[]): void {
    this.client.say(...said);
  }

  /** Takes what came. */
  async settle(ms = 0): Promise<this> {
    if (ms > 0) await bench.runtime.advance(ms);
    await bench.settle();
    for (const message of this.client.wire.take()) {
      this.heard.push(message);
      if (message[0] === "opened") this.you = message[1].peers?.you ?? "";
      if (message[0] === "pres") this.#present(message);
    }
    return this;
  }

  of<T extends ServerMessage[0]>(type: T): Extract<ServerMessage, readonly [T, ...unknown[]]>[] {
    return this.heard.filter(
      (message): message is Extract<ServerMessage, readonly [T, ...unknown[]]> => message[0] === type,
    );
  }

  #present([, , rev, { all, join, leave, count }]: PresenceMessage): void {
    if (all !== undefined) this.peers = new Map(all);
    else expect(rev, "revisions are contiguous").toBe(this.rev + 1);
    for (const peer of leave ?? []) expect(this.peers.delete(peer), "who leaves was there").toBe(true);
    for (const [peer, meta] of join ?? []) this.peers.set(peer, meta);
    this.rev = rev;
    this.count = count;
    expect(this.peers.size).toBe(Math.min(count, LIMITS.presenceListedMax));
  }
}

interface TabOptions {
  readonly doc?: string;
  readonly presence?: Json;
  readonly codec?: "json" | "msgpack";
  readonly open?: object;
}

async function tab(who: string, { doc = "pad/p", presence, codec = "json", open = {} }: TabOptions = {}): Promise<Tab> {
  clients += 1;
  const client = clients.toString(16).padStart(32, "0");
  const made = new Tab(await bench.greeted(who, { client, codec: codec === "json" ? jsonCodec : msgpackCodec }));
  made.say(["open", { s: 1, doc, create: true, ...(presence === undefined ? {} : { presence }), ...open }]);
  return made.settle();
}

const names = ({ peers }: Tab): string[] => [...peers.values()].map((meta) => (meta as { name: string }).name).sort();

const identify = (token: string): Identified => ({
  principal: { id: token.split("@")[0] ?? "", roles: [], claims: {} },
  space: "",
  grants: GRANTS[token.split("@")[1] ?? token] ?? [],
  expiresAt: bench.runtime.now() + (token.startsWith("brief") ? 30_000 : 3_600_000),
});

beforeEach(() => {
  const disk = new MemoryDisk();
  bench = new SessionBench({
    types: { pad, named, quiet, gated, viewed },
    store: new MemoryStore({ disk, runtime: new VirtualRuntime() }),
    identify,
  });
});

describe("signals", () => {
  it("[SIG-1] [SIG-2] reach all others who follow, in the same bytes, and nobody keeps them", async () => {
    const [ann, bob, cid] = [await tab("ann"), await tab("bob"), await tab("cid", { codec: "msgpack" })];
    ann.say(["sig", 1, "cursor", { x: 1 }]);
    for (const one of [ann, bob, cid]) await one.settle();
    expect(ann.of("sig")).toEqual([]);
    expect(bob.of("sig")).toEqual([["sig", expect.any(Number), "cursor", { x: 1 }, ann.you]]);
    expect(cid.of("sig")).toEqual(bob.of("sig"));
    const late = await tab("dan");
    expect(late.of("sig")).toEqual([]);
    const [opened] = bob.of("opened");
    expect(opened?.[1].peers).toEqual({ h: bob.of("sig")[0]?.[1], you: bob.you });
  });

  it("[SIG-2] reach every view and every pace under one handle", async () => {
    const ann = await tab("ann", { doc: "viewed/v" });
    const bob = await tab("bob", { doc: "viewed/v" });
    const cid = await tab("cid", { doc: "viewed/v", open: { every: 1_000 } });
    ann.say(["sig", 1, "ping", null]);
    await bob.settle();
    await cid.settle();
    expect(bob.of("sig")).toHaveLength(1);
    expect(cid.of("sig")).toEqual(bob.of("sig"));
  });

  it("[SIG-3] tell who by a name that says nothing, another one in each document", async () => {
    const ann = await tab("ann");
    const again = await tab("ann");
    const elsewhere = await tab("ann", { doc: "pad/q" });
    expect(ann.you).toMatch(/^[\w-]{12}$/);
    expect(again.you).toBe(ann.you);
    expect(elsewhere.you).not.toBe(ann.you);
    expect(JSON.stringify(ann.heard)).not.toContain('"ann"');
    expect((await tab("ann", { doc: "named/n" })).you).toBe("ann");
  });

  it("[SIG-4] off their schema, unknown or too large are refused by an err, and the connection goes on", async () => {
    const ann = await tab("ann");
    const bob = await tab("bob");
    ann.say(
      ["sig", 1, "cursor", { x: "1" }],
      ["sig", 1, "nothing", null],
      ["sig", 1, "ping", "x".repeat(5_000)],
      ["sig", 1, "odd", ""],
    );
    ann.say(["sig", 1, "cursor", { x: 2 }]);
    await ann.settle();
    await bob.settle();
    expect(ann.of("err").map(([, { code, about, s }]) => [code, about, s])).toEqual([
      ["invalid_input", "sig", 1],
      ["unknown_message", "sig", 1],
      ["too_large", "sig", 1],
      ["handler_failed", "sig", 1],
    ]);
    expect(ann.of("err")[0]?.[1].data).toEqual([{ path: "/x", expected: "number", received: "string" }]);
    expect(bob.of("sig").map((message) => message[3])).toEqual([{ x: 2 }]);
    expect(ann.client.wire.closed).toBeUndefined();
  });

  it("[SIG-5] are 20 a second of a connection; more are dropped, and that is said", async () => {
    const ann = await tab("ann");
    const bob = await tab("bob");
    for (let x = 0; x < 100; x++) ann.say(["sig", 1, "cursor", { x }]);
    await ann.settle();
    await bob.settle();
    expect(bob.of("sig")).toHaveLength(20);
    expect(ann.of("err").map(([, { code, retry, afterMs }]) => [code, retry, afterMs])).toEqual([
      ["rate_limited", "after", 50],
    ]);
    await bench.runtime.advance(1_000);
    ann.say(["sig", 1, "cursor", { x: 100 }]);
    await bob.settle();
    expect(bob.of("sig")).toHaveLength(21);
  });

  it("[SIG-1] of a subscription that is not open are dropped in silence", async () => {
    const ann = await tab("ann");
    const bob = await tab("bob");
    ann.say(["sig", 7, "cursor", { x: 1 }], ["close", 1], ["sig", 1, "cursor", { x: 2 }]);
    ann.say(["open", { s: 8, doc: "pad/never" }]);
    ann.say(["sig", 8, "cursor", { x: 3 }]);
    await ann.settle();
    await bob.settle();
    expect(bob.of("sig")).toEqual([]);
    expect(ann.of("err")).toEqual([]);
  });

  it("[SIG-6] are not queued past the soft limit, and nothing else is lost for them", async () => {
    const ann = await tab("ann");
    const slow = await tab("bob");
    slow.client.wire.throttle();
    ann.say(call(1, 1, "write", "x".repeat(1_042_000)));
    await ann.settle();
    for (let index = 0; index < 5; index++) ann.say(["sig", 1, "long", "x".repeat(3_000)]);
    await ann.settle();
    slow.client.wire.takes();
    await slow.settle();
    expect(slow.of("sig")).toHaveLength(2);
    expect(slow.of("d")).toHaveLength(1);
    ann.say(["sig", 1, "ping", null]);
    await slow.settle();
    expect(slow.of("sig")).toHaveLength(3);
  });

  it("[SIG-1] whoever lost the right neither hears nor is heard", async () => {
    const ann = await tab("ann");
    const bob = await tab("bob");
    ann.say(call(1, 1, "ban", "bob"));
    await ann.settle();
    bob.say(["sig", 1, "cursor", { x: 1 }]);
    ann.say(["sig", 1, "cursor", { x: 2 }]);
    await ann.settle();
    await bob.settle();
    expect(bob.of("ended")[0]?.[1].code).toBe("denied");
    expect([...ann.of("sig"), ...bob.of("sig")]).toEqual([]);
  });
});

describe("presence", () => {
  it("[PRES-1] [PRES-2] shows who is there, what they show, and who goes", async () => {
    const ann = await tab("ann", { presence: { name: "Ann" } });
    const bob = await tab("bob", { presence: { name: "Bob" }, codec: "msgpack" });
    await ann.settle(TOLD_MS);
    await bob.settle(TOLD_MS);
    expect([names(ann), names(bob)]).toEqual([
      ["Ann", "Bob"],
      ["Ann", "Bob"],
    ]);
    expect(ann.peers.get(bob.you)).toEqual({ name: "Bob" });
    bob.say(["pres", 1, { name: "Robert" }]);
    await ann.settle(TOLD_MS);
    expect(names(ann)).toEqual(["Ann", "Robert"]);
    bob.say(["close", 1]);
    await ann.settle(TOLD_MS);
    expect([names(ann), ann.count]).toEqual([["Ann"], 1]);
  });

  it("[PRES-1] is not told to those who do not ask; those who show nothing may watch", async () => {
    const shy = await tab("shy", { presence: null });
    const deaf = await tab("deaf");
    const ann = await tab("ann", { presence: { name: "Ann" } });
    for (const one of [shy, deaf, ann]) await one.settle(TOLD_MS);
    expect([names(shy), shy.count, deaf.of("pres")]).toEqual([["Ann"], 1, []]);
    deaf.say(["pres", 1]);
    await deaf.settle(TOLD_MS);
    expect(names(deaf)).toEqual(["Ann"]);
    ann.say(["pres", 1, null]);
    await deaf.settle(TOLD_MS);
    await ann.settle();
    expect([names(deaf), names(ann), ann.count]).toEqual([[], [], 0]);
  });

  it("[PRES-2] brings the whole list again to whoever asks", async () => {
    const ann = await tab("ann", { presence: { name: "Ann" } });
    await ann.settle(TOLD_MS);
    const { rev } = ann;
    ann.heard.length = 0;
    ann.say(["pres", 1]);
    await ann.settle(TOLD_MS);
    expect(ann.of("pres")).toEqual([
      ["pres", expect.any(Number), rev, { all: [[ann.you, { name: "Ann" }]], count: 1 }],
    ]);
  });

  it("[PRES-4] has many tabs of one person as one, who shows what was shown last", async () => {
    const watcher = await tab("watcher", { presence: null });
    const first = await tab("ann", { presence: { name: "one" } });
    const second = await tab("ann", { presence: { name: "two" } });
    await watcher.settle(TOLD_MS);
    expect([names(watcher), watcher.count, first.you === second.you]).toEqual([["two"], 1, true]);
    first.say(["pres", 1, { name: "one again" }]);
    await watcher.settle(TOLD_MS);
    expect(names(watcher)).toEqual(["one again"]);
    first.say(["close", 1]);
    await watcher.settle(TOLD_MS);
    expect([names(watcher), watcher.count]).toEqual([["two"], 1]);
    second.say(["close", 1]);
    await watcher.settle(TOLD_MS);
    expect(watcher.count).toBe(0);
  });

  it("[PRES-5] does not notice a cut that is shorter than the grace", async () => {
    const watcher = await tab("watcher", { presence: null });
    const ann = await tab("ann", { presence: { name: "Ann" } });
    await watcher.settle(TOLD_MS);
    const { rev } = watcher;
    ann.client.drop();
    await watcher.settle(LIMITS.presenceGraceMs - 1_000);
    const back = await tab("ann", { presence: { name: "Ann" } });
    await watcher.settle(LIMITS.presenceGraceMs * 2);
    expect([names(watcher), watcher.rev]).toEqual([["Ann"], rev]);
    back.client.drop();
    await watcher.settle(LIMITS.presenceGraceMs + TOLD_MS);
    expect(watcher.count).toBe(0);
  });

  it("[PRES-5] lets go at once of who takes leave", async () => {
    const watcher = await tab("watcher", { presence: null });
    const ann = await tab("ann", { presence: { name: "Ann" } });
    await watcher.settle(TOLD_MS);
    expect(watcher.count).toBe(1);
    ann.client.drop(1_000);
    await watcher.settle(TOLD_MS);
    expect(watcher.count).toBe(0);
  });

  it("[PRES-6] [R17] leaves with the right: a denial, and a token that ends", async () => {
    const watcher = await tab("watcher", { presence: null });
    await tab("ann", { presence: { name: "Ann" } });
    await tab("brief", { presence: { name: "Brief" } });
    await watcher.settle(TOLD_MS);
    expect(watcher.count).toBe(2);
    watcher.say(call(1, 1, "ban", "ann"));
    await watcher.settle(TOLD_MS);
    expect(names(watcher)).toEqual(["Brief"]);
    await watcher.settle(30_000 - TOLD_MS * 2 + TOLD_MS);
    expect(watcher.count).toBe(0);
  });

  it("[PRES-7] [R18] needs the grant of whoever follows by a grant", async () => {
    const creator = await bench.greeted("creator", { client: "c".repeat(32) });
    creator.say(call(1, "$", "create", { doc: "gated/g" }));
    await bench.settle();
    const member = await tab("ann@member", { doc: "gated/g", presence: { name: "Ann" } });
    const guest = await tab("bob@guest", { doc: "gated/g", presence: { name: "Bob" } });
    const stranger = await tab("eve", { doc: "gated/g", presence: { name: "Eve" } });
    for (const one of [member, guest, stranger]) await one.settle(TOLD_MS);
    expect(stranger.of("ended")[0]?.[1].code).toBe("denied");
    expect(guest.of("err").map(([, { code, about }]) => [code, about])).toEqual([["denied", "pres"]]);
    expect([names(member), guest.of("pres"), stranger.of("pres")]).toEqual([["Ann"], [], []]);
    guest.say(["auth", { token: "bob@member" }]);
    await guest.settle(TOLD_MS);
    await member.settle(TOLD_MS);
    expect(names(member)).toEqual(["Ann", "Bob"]);
    guest.say(["auth", { token: "bob@guest" }]);
    await guest.settle(TOLD_MS);
    guest.heard.length = 0;
    await tab("cid@member", { doc: "gated/g", presence: { name: "Cid" } });
    await member.settle(TOLD_MS);
    await guest.settle(TOLD_MS);
    expect(names(member)).toEqual(["Ann", "Cid"]);
    expect(guest.of("pres")).toEqual([]);
  });

  it("[PRES-3] lists the first hundred, counts all, and fills what becomes free", async () => {
    const watcher = await tab("watcher", { presence: null });
    const crowd = await Promise.all(
      Array.from({ length: 130 }, (_, index) => tab(`u${index}`, { presence: { name: `u${index}` } })),
    );
    await watcher.settle(TOLD_MS);
    expect([watcher.peers.size, watcher.count]).toEqual([100, 130]);
    const before = watcher.of("pres").length;
    for (const one of crowd.slice(100, 120)) one.say(["close", 1]);
    await watcher.settle(TOLD_MS);
    expect(
      watcher
        .of("pres")
        .slice(before)
        .map(([, , , change]) => change),
    ).toEqual([{ count: 110 }]);
    for (const one of crowd.slice(0, 50)) one.say(["close", 1]);
    await watcher.settle(TOLD_MS);
    expect([watcher.peers.size, watcher.count]).toEqual([60, 60]);
  });

  it("[PRES-9] tells what came together together, and no more often than it says", async () => {
    const watcher = await tab("watcher", { presence: null });
    await watcher.settle(1_000);
    const ann = await tab("ann", { presence: { name: "0" } });
    await watcher.settle(1_000);
    watcher.heard.length = 0;
    for (let index = 1; index <= 50; index++) {
      ann.say(["pres", 1, { name: `${index}` }]);
      await watcher.settle(20);
    }
    await watcher.settle(TOLD_MS * 2);
    expect(watcher.of("pres").length).toBeLessThanOrEqual(8);
    expect(names(watcher)).toEqual(["50"]);
  });

  it("[PRES-1] what does not fit is refused by an err, and what was shown stays", async () => {
    const ann = await tab("ann", { presence: { name: "Ann" } });
    await ann.settle(TOLD_MS);
    for (const meta of [{ name: "" }, { name: "x".repeat(2_000) }, 7]) {
      ann.say(["pres", 1, meta]);
      await ann.settle(TOLD_MS);
    }
    expect(ann.of("err").map(([, { code, about, s }]) => [code, about, s])).toEqual([
      ["invalid_input", "pres", 1],
      ["too_large", "pres", 1],
      ["invalid_input", "pres", 1],
    ]);
    const wrong = await tab("bob", { presence: 7 });
    await wrong.settle(TOLD_MS);
    expect([names(wrong), wrong.count]).toEqual([["Ann"], 1]);
    const mute = await tab("ann", { doc: "quiet/q", presence: { name: "Ann" } });
    expect(mute.of("err").map(([, { code }]) => code)).toEqual(["unknown_message"]);
    expect(mute.of("opened")[0]?.[1].peers).toBeUndefined();
  });

  it("[PRES-8] heads say what was told, and a slow reader gets the list when it has drained", async () => {
    const ann = await tab("ann", { presence: { name: "Ann" } });
    const bob = await tab("bob", { presence: { name: "Bob" } });
    await ann.settle(LIMITS.pingIntervalMs);
    const handle = ann.of("opened")[0]?.[1].peers?.h;
    expect(ann.of("ping").at(-1)?.[2].slice(-3)).toEqual([handle, 0, ann.rev]);
    ann.client.wire.throttle();
    ann.client.wire.bufferedBytes = LIMITS.outboundSoftBytes;
    bob.say(["pres", 1, { name: "Robert" }]);
    await ann.settle(TOLD_MS);
    expect(names(ann)).toEqual(["Ann", "Bob"]);
    ann.client.wire.bufferedBytes = 0;
    ann.client.wire.onDrained?.();
    ann.client.wire.takes();
    await ann.settle(TOLD_MS * 2);
    expect(names(ann)).toEqual(["Ann", "Robert"]);
  });
});

describe("channels", () => {
  it("[PRES-7] have presence for whoever has a grant of it, unless their rules say not", async () => {
    const grants = [{ doc: "channel/*", may: ["open", "presence"] as const }];
    GRANTS["all"] = grants;
    GRANTS["reader"] = [{ doc: "channel/*", may: ["open"] }];
    bench = new SessionBench({
      types: {},
      channels: { mute: { presence: false } },
      store: new MemoryStore({ disk: new MemoryDisk(), runtime: new VirtualRuntime() }),
      identify,
    });
    const ann = await tab("ann@all", { doc: "channel/dogs", presence: { any: [1] } });
    const bob = await tab("bob@reader", { doc: "channel/dogs", presence: null });
    const mute = await tab("ann@all", { doc: "channel/mute", presence: {} });
    for (const one of [ann, bob, mute]) await one.settle(TOLD_MS);
    expect([...ann.peers.values()]).toEqual([{ any: [1] }]);
    expect(bob.of("err").map(([, { code }]) => code)).toEqual(["denied"]);
    expect(mute.of("err").map(([, { code }]) => code)).toEqual(["unknown_message"]);
    expect([bob.of("pres"), mute.of("pres")]).toEqual([[], []]);
  });
});
