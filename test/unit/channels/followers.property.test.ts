// Followers of one channel with filters of all kinds, that come and go, are cut off and are slow, while servers die: each
// is told every message that passes its filter from its first one on, once and in order, or that some are lost.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Channel, ChannelMessage, ChannelOptions } from "../../../clients/typescript/src/api/channel.js";
import { type AnyMessages, ChannelBench, type ChannelClient } from "../../support/channel-bench.js";

const filter = fc.constantFrom<ChannelOptions<AnyMessages>>(
  {},
  {},
  { events: ["a"] },
  { events: ["a", "b"] },
  { where: { room: 1 } },
  { events: ["b"], where: { room: 2 } },
);
const deed = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      event: fc.constantFrom("a", "b", "c"),
      room: fc.nat({ max: 2 }),
      fat: fc.boolean(),
    }),
    weight: 8,
  },
  {
    arbitrary: fc.record({ kind: fc.constant("open" as const), filter, last: fc.constantFrom(0, 0, 1, 3, 1_000) }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "cut" as const,
        "cut" as const,
        "close" as const,
        "leave" as const,
        "stick" as const,
        "take" as const,
      ),
      who: fc.nat(),
    }),
    weight: 3,
  },
  {
    arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "back" as const, "unload" as const) }),
    weight: 1,
  },
);
const steps = fc.array(fc.record({ deed, waitMs: fc.constantFrom(0, 1, 7, 300, 4_000) }), {
  minLength: 5,
  maxLength: 40,
});

/** Three of them are more than may wait for a slow reader. */
const FAT = "x".repeat(400_000);

interface Follower {
  readonly channel: Channel<AnyMessages>;
  readonly options: ChannelOptions<AnyMessages>;
  readonly messages: ChannelMessage<AnyMessages>[];
  readonly gaps: unknown[];
  readonly platform: ChannelClient["platform"];
  readonly tide: ChannelClient["tide"];
  /** How many messages were published when it was live first; undefined: it never was. */
  publishedBefore: number | undefined;
}

const passes = ({ events, where }: ChannelOptions<AnyMessages>, event: string, data: unknown): boolean =>
  (events === undefined || events.includes(event)) &&
  Object.entries(where ?? {}).every(([field, value]) => Reflect.get(Object(data), field) === value);

/** How many of the newest messages are surely no more than 1 MiB. */
function inOneAnswer(messages: readonly (readonly unknown[])[]): number {
  let bytes = 0;
  const tooMuch = messages.toReversed().findIndex((message) => {
    bytes += JSON.stringify(message).length;
    return bytes > 1_048_576;
  });
  return tooMuch === -1 ? messages.length : Math.max(1, tooMuch);
}

function open(bench: ChannelBench, options: ChannelOptions<AnyMessages>, name: string): Follower {
  const { tide, platform } = bench.client(name);
  const channel = tide.channel<AnyMessages>("dogs", options);
  const follower: Follower = { channel, options, platform, tide, messages: [], gaps: [], publishedBefore: undefined };
  channel.onMessage((message) => follower.messages.push(message));
  channel.onGap((gap) => follower.gaps.push(gap));
  channel.onStatus((status) => {
    if (status === "live") follower.publishedBefore ??= bench.published("dogs").length;
  });
  return follower;
}

async function run(seed: number, script: typeof steps extends fc.Arbitrary<infer S> ? S : never): Promise<void> {
  const bench = new ChannelBench({ seed });
  const publisher = bench.client("bob").tide.channel<AnyMessages>("dogs");
  const followers: Follower[] = [];
  let published = 0;
  for (const { deed: one, waitMs } of script) {
    const target = "who" in one ? followers[one.who % Math.max(1, followers.length)] : undefined;
    if (one.kind === "publish")
      publisher.publish(one.event, { n: published++, room: one.room, text: one.fat ? FAT : "" }).catch(() => undefined);
    if (one.kind === "open") followers.push(open(bench, { ...one.filter, last: one.last }, `f${followers.length}`));
    if (one.kind === "cut") target?.platform.socket?.cut();
    if (one.kind === "stick") target?.platform.socket?.sticks();
    if (one.kind === "take") target?.platform.socket?.takes();
    if (one.kind === "leave") target?.platform.leave();
    if (one.kind === "close") target?.channel.close();
    if (one.kind === "restart") bench.restart();
    if (one.kind === "back") for (const { platform } of followers) platform.isAway = false;
    await bench.advance(one.kind === "unload" ? 200_000 : waitMs);
  }
  for (const { platform } of followers) {
    platform.isAway = false;
    platform.socket?.takes();
  }
  await bench.advance(60_000);
  const log = bench.published("dogs");
  expect(log.map(([, , data]) => Reflect.get(Object(data), "n"))).toEqual([...Array(published).keys()]);
  for (const follower of followers) {
    const { channel, options, messages, gaps, publishedBefore } = follower;
    if (channel.status === "closed") continue;
    expect([channel.status, gaps]).toEqual(["live", []]);
    // Nothing that did not fit had to be healed.
    expect(Object.values(follower.tide.stats.healed)).toEqual([0, 0, 0, 0, 0]);
    const all = log.filter(([, event, data]) => passes(options, event, data));
    const told = messages.map(({ seq, event, data }) => [seq, event, data]);
    // A run of them without a hole, to the end.
    expect(told).toEqual(told.length === 0 ? [] : all.slice(-told.length));
    const before = log.slice(0, publishedBefore).filter(([, event, data]) => passes(options, event, data)).length;
    expect(told.length).toBeGreaterThanOrEqual(all.length - before);
    const { last = 0 } = options;
    if (last > 0) expect(told.length).toBeGreaterThanOrEqual(Math.min(last, all.length, inOneAnswer(all)));
  }
}

it("[CHANNEL-5] [CHANNEL-6] [R3] followers are told all that passes, from their first message on", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1 }), steps, async (seed, script) => run(seed, script)),
    { numRuns: 60 },
  );
});
