// A channel from end to end: the real client, sessions and documents, in virtual time.
import type { JsonObject } from "@tidemark/protocol";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Channel, ChannelMessage, ChannelOptions } from "../../../clients/typescript/src/api/channel.js";
import { type AnyMessages, ChannelBench } from "../../support/channel-bench.js";

let bench: ChannelBench;

/** A follower, and what it was given. */
function follow(token: string, options: ChannelOptions<AnyMessages> = {}) {
  const { tide, platform } = bench.client(token);
  const channel: Channel<AnyMessages> = tide.channel("dogs", options);
  const messages: ChannelMessage<AnyMessages>[] = [];
  const gaps: unknown[] = [];
  channel.onMessage((message) => messages.push(message));
  channel.onGap((gap) => gaps.push(gap));
  return { tide, platform, channel, messages, gaps, said: () => messages.map(({ data }) => data) };
}

beforeEach(() => {
  bench = new ChannelBench();
});

describe("a channel", () => {
  it("[CHANNEL-1] is there for whoever has a grant, without anybody who creates it", async () => {
    const ann = follow("ann@open");
    const bob = bench.client("bob@publish");
    await bench.advance(100);
    expect(ann.channel.status).toBe("live");
    const sent = bob.tide.channel<AnyMessages>("dogs").publish("say", { text: "woof" });
    await bench.advance(100);
    expect((await sent.receipt).seq).toBe(2);
    expect(await sent).toBeUndefined();
    expect(ann.messages).toEqual([{ event: "say", data: { text: "woof" }, seq: 2, at: expect.any(Number) }]);
  });

  it("[CHANNEL-1] begins with the first message on it, too", async () => {
    const bob = bench.client("bob@publish").tide.channel<AnyMessages>("cats");
    const sent = bob.publish("say", 1);
    await bench.advance(100);
    expect((await sent.receipt).seq).toBe(2);
    expect(bench.published("cats")).toEqual([[2, "say", 1]]);
    expect(bob.status).toBe("denied");
  });

  it("[CHANNEL-2] tells a publisher of its own message before it says that it was published", async () => {
    const ann = follow("ann");
    await bench.advance(100);
    const order: unknown[] = [];
    ann.channel.onMessage(({ data }) => order.push(data));
    const sent = ann.channel.publish("say", "mine").then(() => order.push("published"));
    await bench.advance(100);
    await sent;
    expect(order).toEqual(["mine", "published"]);
  });

  it("[CHANNEL-2] gives everybody everything in one order, also after a cut and a restart", async () => {
    const ann = follow("ann");
    const bob = follow("bob");
    await bench.advance(100);
    for (let n = 0; n < 20; n += 1) {
      void (n % 2 === 0 ? ann : bob).channel.publish("say", n);
      if (n === 5) ann.platform.socket?.cut();
      if (n === 12) bench.restart();
      await bench.advance(n % 3 === 0 ? 700 : 3);
    }
    await bench.advance(20_000);
    expect([...ann.said()].sort()).toEqual([...Array(20).keys()].sort());
    expect(ann.messages).toEqual(bob.messages);
    expect([ann.gaps, bob.gaps]).toEqual([[], []]);
  });

  it("[CHANNEL-3] [EVENT-2] says what was missed beyond what is kept", async () => {
    bench = new ChannelBench({ channels: { "d*": { history: { deltas: 10 } } } });
    const ann = follow("ann");
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    void bob.publish("say", "before");
    await bench.advance(100);
    ann.platform.leave();
    // More than makes a snapshot due, after which the log is trimmed.
    for (let n = 0; n < 600; n += 1) void bob.publish("say", n);
    await bench.advance(1_000);
    // Else it would still be in memory, for bob.
    bench.restart();
    ann.platform.isAway = false;
    await bench.advance(10_000);
    expect(ann.said()).toEqual(["before"]);
    expect(ann.gaps).toEqual([{ from: 2, to: 602 }]);
    void bob.publish("say", "after");
    await bench.advance(10_000);
    expect(ann.said()).toEqual(["before", "after"]);
  });

  it("[CHANNEL-4] shows its past, newest first, to whoever may follow or look back", async () => {
    const bob = follow("bob");
    for (let n = 0; n < 250; n += 1) void bob.channel.publish(n % 2 === 0 ? "even" : "odd", n);
    await bench.advance(1_000);
    const reader = bench.client("ann@history").tide.channel<AnyMessages>("dogs");
    const pages = Promise.all([
      reader.history(),
      reader.history({ limit: 3 }),
      reader.history({ limit: 2, before: 4 }),
      reader.history({ limit: 5_000 }),
      reader.history({ before: 2 }),
    ]);
    await bench.advance(100);
    const [newest, three, early, all, none] = await pages;
    expect(newest?.map(({ data }) => data)).toEqual([...Array(100).keys()].map((n) => 249 - n));
    expect(three?.map(({ seq, event }) => [seq, event])).toEqual([
      [251, "odd"],
      [250, "even"],
      [249, "odd"],
    ]);
    expect(early?.map(({ data }) => data)).toEqual([1, 0]);
    expect(all).toHaveLength(250);
    expect(none).toEqual([]);
    expect(all?.[0]).toEqual(bob.messages.at(-1));
  });

  it("[CHANNEL-4] has no past before anybody used it, and none before it was deleted", async () => {
    const { tide } = bench.client("ann");
    const cats = tide.channel<AnyMessages>("cats");
    const read = async () => {
      const page = cats.history();
      await bench.advance(100);
      return (await page).map(({ data }) => data);
    };
    expect(await read()).toEqual([]);
    void cats.publish("say", "old");
    await bench.advance(100);
    expect(await read()).toEqual(["old"]);
    void Reflect.apply(tide.service.delete, tide.service, ["channel", "cats"]);
    await bench.advance(100);
    expect([await read(), cats.status, cats.error?.code]).toEqual([[], "ended", "deleted"]);
    const again = tide.channel<AnyMessages>("cats");
    void again.publish("say", "new");
    await bench.advance(100);
    expect(await read()).toEqual(["new"]);
    const older = again.history({ before: 3 });
    await bench.advance(100);
    expect(await older).toEqual([]);
  });

  it("[CHANNEL-5] gives a follower what passes its filter, once, and its history the same", async () => {
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    const bells = follow("ann", { events: ["bell"] });
    const kitchen = follow("eve", { where: { room: "kitchen", loud: true } });
    const both = follow("dan", { events: ["bell", "say"], where: { room: "kitchen" } });
    await bench.advance(100);
    const publish = (event: string, room: string, loud: boolean): void => void bob.publish(event, { room, loud });
    for (const event of ["bell", "say", "left"]) {
      for (const room of ["kitchen", "hall"]) for (const loud of [true, false]) publish(event, room, loud);
    }
    // None of these fields, or no fields at all.
    for (const data of [null, "kitchen", ["kitchen"], { loud: true }, { room: ["kitchen"], loud: true }]) {
      void bob.publish("bell", data);
    }
    await bench.advance(100);
    const seen = (one: ReturnType<typeof follow>) => one.messages.map(({ seq }) => seq);
    expect(seen(bells)).toEqual([2, 3, 4, 5, 14, 15, 16, 17, 18]);
    expect(seen(kitchen)).toEqual([2, 6, 10]);
    expect(seen(both)).toEqual([2, 3, 6, 7]);
    const past = Promise.all([bells, kitchen, both].map(({ channel }) => channel.history()));
    await bench.advance(100);
    expect((await past).map((page) => page.map(({ seq }) => seq).reverse())).toEqual([bells, kitchen, both].map(seen));
  });

  it("[CHANNEL-5] makes the bytes of equal filters once", async () => {
    const frames: unknown[] = [];
    const [one, two] = [follow("ann", { events: ["bell"] }), follow("eve", { events: ["bell"] })];
    await bench.advance(100);
    for (const { platform } of [one, two]) {
      const { socket } = platform;
      if (socket === undefined) throw new Error("there is no socket");
      const write = socket.write.bind(socket);
      socket.write = (sent) => {
        frames.push(...sent);
        write(sent);
      };
    }
    void bench.client("bob").tide.channel<AnyMessages>("dogs").publish("bell", 1);
    await bench.advance(100);
    expect([one.said(), two.said(), frames.length, new Set(frames).size]).toEqual([[1], [1], 2, 1]);
  });

  it.each([
    [{ events: [] }, "/events"],
    [{ where: {} }, "/where"],
    [{ where: { room: ["a"] } }, "/where/room"],
    [{ where: Object.fromEntries([...Array(9).keys()].map((n) => [`f${n}`, 1])) }, "/where"],
    [{ event: "bell" }, "/event"],
  ])("[CHANNEL-5] refuses the filter %j", async (filter, path) => {
    const { channel } = follow("ann", filter as never);
    await bench.advance(100);
    expect([channel.status, channel.error]).toMatchObject(["ended", { code: "invalid_params", data: [{ path }] }]);
  });

  it("[CHANNEL-5] [SLOW-2] goes on from its own chain when its reader was slow, though more had passed it by", async () => {
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    const ann = follow("ann", { events: ["bell"] });
    ann.tide.channel("cats");
    await bench.advance(100);
    void bob.publish("bell", "first");
    await bench.advance(100);
    void bob.publish("say", "not for her");
    // A heartbeat says how far she is.
    await bench.advance(11_000);
    ann.platform.socket?.sticks();
    // Another channel leaves no room.
    const other = bench.client("bob").tide.channel<AnyMessages>("cats");
    for (let n = 0; n < 4; n += 1) void other.publish("say", "x".repeat(400_000));
    await bench.advance(100);
    const fat = "x".repeat(300_000);
    for (let n = 0; n < 5; n += 1) void bob.publish(n === 2 ? "say" : "bell", `${n}${fat}`);
    await bench.advance(100);
    expect(ann.said()).toEqual(["first"]);
    ann.platform.socket?.takes();
    await bench.advance(1_000);
    expect(ann.said().map((data) => String(data).slice(0, 2))).toEqual(["fi", "0x", "1x", "3x", "4x"]);
    expect([ann.gaps, Object.values(ann.tide.stats.healed)]).toEqual([[], [0, 0, 0, 0, 0]]);
  });

  it("[CHANNEL-5] [VIEW-2] does not go on from a position under another filter", async () => {
    const eve = await bench.server?.greeted("eve");
    const open = async (s: number, params: JsonObject, tag?: string) => {
      const at = tag === undefined ? {} : { at: [[bench.epoch("dogs"), 1, tag] as const] };
      eve?.say(["open", { s, doc: "channel/dogs", params, ...at }]);
      await bench.advance(10);
      const opened = eve?.wire.take().find((message) => message[0] === "opened");
      eve?.say(["close", s]);
      return opened?.[0] === "opened" ? { mode: opened[1].mode, tag: opened[1].tag[0] } : undefined;
    };
    const bells = await open(1, { events: ["bell"] });
    const says = await open(2, { events: ["say"] }, bells?.tag);
    const again = await open(3, { events: ["bell"] }, bells?.tag);
    expect([bells?.mode, says?.mode, again?.mode]).toEqual([["reset"], ["reset"], ["resume"]]);
    expect(new Set([bells?.tag, says?.tag, ""]).size).toBe(3);
  });

  it("[CHANNEL-6] begins with the newest messages of those that pass, and goes on without a gap", async () => {
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    for (let n = 0; n < 50; n += 1) void bob.publish(n % 10 === 0 ? "ten" : "say", n);
    await bench.advance(100);
    const followers = [
      follow("a", { last: 3 }),
      follow("b", { last: 1, events: ["ten"] }),
      follow("c", { last: 1_000 }),
      follow("d", { last: 2, events: ["never"] }),
      follow("e"),
    ];
    await bench.advance(100);
    void bob.publish("say", 50);
    await bench.advance(100);
    const all = [...Array(51).keys()];
    expect(followers.map(({ said }) => said())).toEqual([[47, 48, 49, 50], [40], all, [], [50]]);
    // Whoever comes back goes on from what it holds.
    for (const { platform } of followers) platform.socket?.cut();
    void bob.publish("ten", 51);
    await bench.advance(10_000);
    expect(followers.map(({ said }) => said())).toEqual([[47, 48, 49, 50, 51], [40, 51], [...all, 51], [], [50, 51]]);
    expect(followers.flatMap(({ gaps }) => gaps)).toEqual([]);
  });

  it("[CHANNEL-6] has no newest messages of a channel that was deleted since", async () => {
    const bob = bench.client("bob");
    void bob.tide.channel<AnyMessages>("dogs").publish("say", "old");
    await bench.advance(100);
    void Reflect.apply(bob.tide.service.delete, bob.tide.service, ["channel", "dogs"]);
    await bench.advance(100);
    const ann = follow("ann", { last: 10 });
    const eve = follow("eve", { last: 10, events: ["say"] });
    await bench.advance(100);
    expect([ann.channel.status, ann.said(), eve.said()]).toEqual(["live", [], []]);
  });

  it("[CHANNEL-6] [R19] looks for nothing once nobody waits for it, however many asked", async () => {
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    for (let n = 0; n < 500; n += 1) void bob.publish("say", { n, text: "x".repeat(1_000) });
    await bench.advance(1_000);
    const eve = await bench.server?.greeted("eve");
    let looks = 0;
    const { parse } = JSON;
    vi.spyOn(JSON, "parse").mockImplementation((text: string) => {
      looks += 1;
      return parse(text);
    });
    for (let s = 1; s <= 200; s += 1) {
      eve?.say(["open", { s, doc: "channel/dogs", last: 1, params: { where: { n: -s } } }], ["close", s]);
    }
    await bench.advance(100);
    vi.restoreAllMocks();
    // Those that began before they were closed; all of them would be 100,000.
    expect(looks).toBeLessThan(10_000);
  });

  it("[CHANNEL-5] [R19] [R14] encodes nothing for those who have no room", async () => {
    const followers = [...Array(8).keys()].map((n) => ({ n, events: ["say", `e${n}`] }));
    const eve = bench.client("eve");
    const heard: string[] = [];
    for (const { n, events } of followers) {
      eve.tide.channel<AnyMessages>("dogs", { events }).onMessage(({ data }) => heard.push(`${n}${String(data)[0]}`));
    }
    await bench.advance(100);
    eve.platform.socket?.sticks();
    const bob = bench.client("bob").tide.channel<AnyMessages>("dogs");
    let encoded = 0;
    const { stringify } = JSON;
    vi.spyOn(JSON, "stringify").mockImplementation((value: unknown) => {
      if (Array.isArray(value) && Array.isArray(value[0]) && value[0].length === 4) encoded += 1;
      return stringify(value);
    });
    void bob.publish("say", "x".repeat(600_000));
    await bench.advance(100);
    vi.restoreAllMocks();
    // One has room with her, and bob hears it.
    expect(encoded).toBe(2);
    eve.platform.socket?.takes();
    await bench.advance(1_000);
    expect(heard.sort()).toEqual(followers.map(({ n }) => `${n}x`));
  });

  it("[CHANNEL-6] has none of them either for whoever asks while another looks for them", async () => {
    // Nobody follows: memory keeps none of it.
    const bob = bench.client("bob@publish+delete");
    const publish = (data: string) => void bob.tide.channel<AnyMessages>("dogs").publish("say", data);
    publish("old");
    await bench.advance(100);
    bench.store.hold("read");
    const ann = follow("ann", { last: 10 });
    await bench.advance(100);
    void Reflect.apply(bob.tide.service.delete, bob.tide.service, ["channel", "dogs"]);
    await bench.advance(100);
    expect([bench.store.counts.read, ann.channel.status, ann.channel.error?.code]).toEqual([1, "ended", "deleted"]);
    publish("new");
    await bench.advance(100);
    const eve = follow("eve", { last: 10 });
    await bench.advance(100);
    bench.store.letGo("read");
    await bench.advance(100);
    expect([eve.channel.status, eve.said(), ann.said()]).toEqual(["live", ["new"], []]);
  });

  it.each([
    ["", { open: "denied", publish: "denied", history: "denied" }],
    ["open", { open: "live", publish: "denied", history: "ok" }],
    ["publish", { open: "denied", publish: "ok", history: "denied" }],
    ["history", { open: "denied", publish: "denied", history: "ok" }],
    ["call+create+delete+list+presence", { open: "denied", publish: "denied", history: "denied" }],
  ])("[CHANNEL-1] [R18] asks at each operation for its own right: %s", async (rights, expected) => {
    for (const name of ["used", "fresh"]) {
      void bench.client("root").tide.channel<AnyMessages>("used").publish("say", "secret");
      await bench.advance(100);
      const channel = bench.client(`eve@${rights}`).tide.channel<AnyMessages>(name);
      const heard = Promise.all([outcome(channel.publish("say", 1)), outcome(channel.history())]);
      await bench.advance(100);
      const [publish, history] = await heard;
      expect({ open: channel.status, publish, history }).toEqual(expected);
    }
  });

  it.each([
    ["gap", "/event"],
    ["", "/event"],
    ["two\nlines", "/event"],
    ["x".repeat(129), "/event"],
  ])("[CHANNEL-2] refuses the event %j", async (event, path) => {
    const channel = bench.client("ann").tide.channel<AnyMessages>("dogs");
    const sent = channel.publish(event, 1).catch((error: unknown) => error);
    await bench.advance(100);
    expect(await sent).toMatchObject({ code: "invalid_input", data: [{ path }] });
    expect(bench.published("dogs")).toEqual([]);
  });
});

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "ok",
    ({ code }: { code: string }) => code,
  );
