// Who else is on a channel, and what they say that nothing keeps: the real client, sessions and documents, virtual time.
import { TidemarkError } from "@tidemark/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Channel, ChannelOptions } from "../../../clients/typescript/src/api/channel.js";
import { type AnyMessages, ChannelBench } from "../../support/channel-bench.js";

let bench: ChannelBench;

/** Somebody on a channel, and the story of the others there as it was told. */
function on(token: string, options: ChannelOptions<AnyMessages> = {}, name = "dogs") {
  const { tide, platform } = bench.client(token);
  const channel: Channel<AnyMessages> = tide.channel(name, options);
  const story: string[] = [];
  const shown = (meta: unknown): string => String(Reflect.get(Object(meta), "name"));
  channel.presence.watch({
    joined: ({ meta, you }) => story.push(`+${shown(meta)}${you ? " (you)" : ""}`),
    updated: ({ meta }, { meta: before }) => story.push(`${shown(before)}>${shown(meta)}`),
    left: ({ meta }) => story.push(`-${shown(meta)}`),
  });
  const signals: unknown[] = [];
  channel.onSignal(({ event, data }) => signals.push([event, data]));
  return { tide, platform, channel, story, signals };
}

const called = (name: string): ChannelOptions<AnyMessages> => ({ presence: { name } });

beforeEach(() => {
  bench = new ChannelBench();
});

describe("presence on a channel", () => {
  it("[PRES-2] tells who joins, shows something else, and leaves, with what they show", async () => {
    const ann = on("ann", called("Ann"));
    await bench.advance(300);
    const bob = on("bob", called("Bob"));
    await bench.advance(300);
    bob.channel.presence.set({ name: "Bobby" });
    await bench.advance(300);
    bob.channel.close();
    await bench.advance(6_000);
    expect(ann.story).toEqual(["+Ann (you)", "+Bob", "Bob>Bobby", "-Bobby"]);
    expect(bob.story).toEqual(["+Ann", "+Bob (you)", "Bob>Bobby"]);
  });

  it("[PRES-4] takes many tabs of one person as one, who shows what was shown last", async () => {
    const eve = on("eve");
    const [phone, laptop] = [on("ann", called("phone")), on("ann", called("laptop"))];
    await bench.advance(500);
    expect(eve.channel.presence.count).toBe(1);
    laptop.tide.close();
    await bench.advance(500);
    phone.tide.close();
    // In this world a socket that is closed is one that was cut.
    await bench.advance(12_000);
    expect(eve.story).toEqual(["+laptop", "laptop>phone", "-phone"]);
    expect(eve.channel.presence.count).toBe(0);
  });

  it("[PRES-5] does not notice who is cut off and back in time; later they are gone", async () => {
    const ann = on("ann");
    const bob = on("bob", called("Bob"));
    await bench.advance(500);
    bob.platform.socket?.cut();
    await bench.advance(8_000);
    expect(ann.story).toEqual(["+Bob"]);
    bob.platform.leave();
    await bench.advance(12_000);
    expect(ann.story).toEqual(["+Bob", "-Bob"]);
  });

  it("[PRES-7] [R18] is for holders of a grant: to be seen, and to see", async () => {
    const ann = on("ann", called("Ann"));
    const eve = on("eve@open+publish", called("Eve"));
    await bench.advance(500);
    expect(ann.story).toEqual(["+Ann (you)"]);
    expect([eve.channel.status, eve.story, eve.channel.presence.count]).toEqual(["live", [], 0]);
    expect(eve.platform.reported).toMatchObject([{ code: "denied" }]);
    const mallory = on("mallory@presence+publish", called("Mallory"));
    await bench.advance(500);
    expect([mallory.channel.status, mallory.story]).toEqual(["denied", []]);
    expect(ann.channel.presence.count).toBe(1);
  });

  it("[PRES-1] is nowhere where the application turns it off; messages and signals are", async () => {
    bench = new ChannelBench({ channels: { "d*": { presence: false } } });
    const ann = on("ann", called("Ann"));
    const bob = on("bob");
    await bench.advance(500);
    expect([ann.story, bob.story, bob.channel.presence.count]).toEqual([[], [], 0]);
    expect(ann.platform.reported).toMatchObject([{ code: "unknown_message" }]);
    ann.channel.signal("typing", true);
    await bench.advance(100);
    expect(bob.signals).toEqual([["typing", true]]);
  });

  it("[PRES-4] [CHANNEL-5] is one for all filters of a channel", async () => {
    const ann = on("ann", { ...called("Ann"), events: ["bell"] });
    const bob = on("bob", { ...called("Bob"), where: { room: 1 } });
    await bench.advance(500);
    expect([ann.channel.presence.count, bob.channel.presence.count]).toEqual([2, 2]);
  });
});

describe("signals on a channel", () => {
  it("[CHANNEL-7] [SIG-1] reach all others now, and nothing keeps them", async () => {
    const [ann, bob, eve] = [on("ann"), on("bob", { events: ["say"] }), on("eve@open")];
    await bench.advance(100);
    ann.channel.signal("typing", { text: "wo" });
    await bench.advance(100);
    expect([ann.signals, bob.signals, eve.signals]).toEqual([
      [],
      [["typing", { text: "wo" }]],
      [["typing", { text: "wo" }]],
    ]);
    expect(bench.published("dogs")).toEqual([]);
    const late = on("late", { last: 10 });
    await bench.advance(100);
    expect(late.signals).toEqual([]);
  });

  it("[CHANNEL-7] [R18] need the right to publish, asked each time", async () => {
    const bob = on("bob");
    const eve = on("eve@open+presence");
    await bench.advance(100);
    eve.channel.signal("typing", 1);
    await bench.advance(100);
    expect(bob.signals).toEqual([]);
    expect(eve.platform.reported).toMatchObject([{ code: "denied" }]);
    expect(eve.channel.status).toBe("live");
  });

  it.each(["gap", "two\nlines"])("[CHANNEL-7] [SIG-4] are not named %j", async (name) => {
    const [ann, bob] = [on("ann"), on("bob")];
    await bench.advance(100);
    ann.channel.signal(name, 1);
    await bench.advance(100);
    expect(bob.signals).toEqual([]);
    expect(ann.platform.reported).toMatchObject([{ code: "unknown_message" }]);
  });

  it("[SIG-1] are dropped while the channel is not live, and refused when they are no JSON", async () => {
    const [ann, bob] = [on("ann"), on("bob")];
    ann.channel.signal("typing", 1);
    await bench.advance(100);
    ann.platform.socket?.cut();
    ann.channel.signal("typing", 2);
    await bench.advance(5_000);
    expect(bob.signals).toEqual([]);
    expect(() => ann.channel.signal("typing", 1n as never)).toThrow(TidemarkError);
    expect(() => ann.channel.signal("", 1)).toThrow(TidemarkError);
    expect(() => ann.channel.signal("x".repeat(129), 1)).toThrow(TidemarkError);
  });
});

describe("a channel that begins behind a position", () => {
  /** Publishes so many, and says what is told of them to one who had `since`. */
  async function later(options: ChannelOptions<AnyMessages>, count = 5) {
    const bob = bench.client("bob@publish").tide.channel<AnyMessages>("dogs");
    for (let n = 0; n < count; n += 1) void bob.publish(n % 2 === 0 ? "say" : "bell", n);
    await bench.advance(1_000);
    const { tide } = bench.client("ann");
    const again = tide.channel<AnyMessages>("dogs", options);
    const [told, gaps]: [unknown[], unknown[]] = [[], []];
    again.onMessage(({ data }) => told.push(data));
    again.onGap((gap) => gaps.push(gap));
    await bench.advance(100);
    // It asked for what it wanted, and nothing had to be asked again.
    expect(Object.values(tide.stats.healed)).toEqual([0, 0, 0, 0, 0]);
    return { again, told, gaps };
  }

  /** What a page had when it went. */
  async function heardOne() {
    const { channel, tide } = on("ann");
    await bench.advance(100);
    void channel.publish("say", "heard");
    await bench.advance(100);
    const { position } = channel;
    tide.close();
    if (position === undefined) throw new Error("it was live");
    expect([position.seq, channel.position]).toEqual([2, position]);
    return position;
  }

  it("[OPEN-4] [EVENT-2] [R3] is told all since then, once, and goes on", async () => {
    const since = await heardOne();
    const { again, told, gaps } = await later({ since });
    void again.publish("say", "more");
    await bench.advance(100);
    expect([told, gaps, again.position?.seq]).toEqual([[0, 1, 2, 3, 4, "more"], [], 8]);
  });

  it("[CHANNEL-5] is told what passes its filter; `last` means nothing beside it", async () => {
    const since = await heardOne();
    const { told, gaps } = await later({ since, events: ["bell"], last: 1 });
    expect([told, gaps]).toEqual([[1, 3], []]);
  });

  it("[EVENT-2] after a restart as well", async () => {
    const since = await heardOne();
    bench.restart();
    const { told, gaps } = await later({ since });
    expect([told, gaps]).toEqual([[0, 1, 2, 3, 4], []]);
  });

  it("[EVENT-2] is told of a gap where that is no longer kept", async () => {
    bench = new ChannelBench({ channels: { dogs: { history: { deltas: 5 } } } });
    const since = await heardOne();
    const { told, gaps } = await later({ since }, 600);
    expect([told, gaps]).toEqual([[], [{ from: 2, to: 602 }]]);
  });

  it("[EVENT-2] is told of a gap where the position is of another history", async () => {
    const { epoch } = await heardOne();
    const { gaps } = await later({ since: { epoch: epoch - 1, seq: 1 } });
    expect(gaps).toEqual([{ from: 0, to: 7 }]);
  });

  it.each([{ epoch: 1, seq: -1 }, { epoch: 1 }, { epoch: "1", seq: 1 }])(
    "is refused where %j is no position",
    async (since) => {
      const { channel } = on("ann", { since: since as never });
      await bench.advance(100);
      expect([channel.status, channel.error?.code]).toEqual(["ended", "invalid_input"]);
    },
  );
});
