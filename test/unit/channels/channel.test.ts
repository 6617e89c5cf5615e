// A channel from end to end: the real client, sessions and documents, in virtual time.
import { beforeEach, describe, expect, it } from "vitest";
import type { Channel, ChannelMessage } from "../../../clients/typescript/src/api/channel.js";
import { type AnyMessages, ChannelBench } from "../../support/channel-bench.js";

let bench: ChannelBench;

/** A follower, and what it was given. */
function follow(token: string, name = "dogs") {
  const { tide, platform } = bench.client(token);
  const channel: Channel<AnyMessages> = tide.channel(name);
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
