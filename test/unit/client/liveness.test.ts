import type { PingMessage } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { beat, EMPTY, following, hear, reconnect, world } from "./world.js";

const title = (text: string) => ["=", "/title", text] as const;

describe("status", () => {
  test("[HEAD-4] silence past the watchdog is stale even where timers sleep, and no timer has to say so", async () => {
    const { server, board, platform } = await following();
    const clock = platform.monotonicMs();
    platform.monotonicMs = () => clock + 25_000;
    expect([board.status, server.now.open]).toEqual(["stale", true]);
  });

  test("after a sleep it is live when the answer to a ping shows that nothing is under way any more", async () => {
    const { server, board, platform } = await following();
    const statuses: string[] = [];
    board.onStatus((status) => statuses.push(status));
    await platform.freeze(600_000);
    const pings = server.now.all("ping");
    server.now.send(delta(1, 2, [title("what waited longest")]));
    expect([board.status, board.state?.title]).toEqual(["stale", "what waited longest"]);
    server.now.send(delta(2, 3, [title("newest")]), ...pings.map(([, k]) => ["pong", k, [HANDLE, 1, 3]] as const));
    expect([board.status, statuses]).toEqual(["live", ["stale", "live"]]);
  });

  test("messages that come before the timers that slept with them are no proof either", async () => {
    const { server, board, platform } = await following();
    const clock = platform.monotonicMs();
    platform.monotonicMs = () => clock + 600_000;
    server.now.send(delta(1, 2, [title("old")]));
    await server.settle();
    expect(board.status).toBe("stale");
    server.now.send(["pong", server.now.last("ping")[1], [HANDLE, 1, 2]]);
    expect(board.status).toBe("live");
  });

  test("says since when it is stale: the last sign of life", async () => {
    const { server, board, platform } = await following();
    await platform.advance(4_000);
    server.now.send(delta(1, 2, [title("a")]));
    const heardAt = platform.now();
    expect(board.staleness).toBeUndefined();
    await platform.advance(3_000);
    server.reachable = false;
    server.now.close(1006);
    expect([board.status, board.staleness]).toEqual(["stale", { since: heardAt, behind: undefined }]);
    await platform.advance(60_000);
    expect([board.status, board.staleness]).toEqual(["offline", { since: heardAt, behind: undefined }]);
    server.reachable = true;
    await platform.advance(6_000);
    expect([board.status, board.staleness?.since]).toEqual(["stale", heardAt]);
    server.now.resume(2);
    expect([board.status, board.staleness]).toEqual(["live", undefined]);
  });

  test("says by how much it is behind, where somebody said so: heads, an own call, a delta that does not link", async () => {
    const told = [
      ["heads", 4],
      ["a delta", 5],
    ] as const;
    for (const [what, by] of told) {
      const { server, board } = await following();
      if (what === "heads") server.now.send(["ping", 1, [HANDLE, 1, 5]]);
      else server.now.send(delta(3, 6, [title("x")]));
      expect([what, board.status, board.staleness?.behind]).toEqual([what, "stale", by]);
      await server.settle();
      server.now.reset(EMPTY, { seq: 6 });
      expect(board.staleness).toBeUndefined();
    }
    const made = await following();
    hear(made.board.send.clear());
    await made.server.settle();
    made.server.now.ok(1, 3);
    await reconnect(made);
    expect(made.board.staleness?.behind).toBe(2);
  });

  test("knows nothing of how far it is from another history, and has nothing to say once denied", async () => {
    const { server, board } = await following();
    server.now.send(["ping", 1, [HANDLE, 2, 1]]);
    expect(board.staleness).toMatchObject({ behind: undefined });
    await server.settle();
    const { s } = server.now.last("open")[1];
    server.now.send(["ended", { s, code: "denied", retry: "never" }]);
    expect([board.status, board.state, board.staleness]).toEqual(["denied", undefined, undefined]);
  });
});

describe("waking", () => {
  test.each(["visible", "online"] as const)("[R20] %s asks for heads at once, and does not wait long", async (wake) => {
    const { server, platform } = await following();
    platform.wake(wake);
    await server.settle();
    expect(server.now.last("ping")[2]).toEqual([HANDLE, 1, 1]);
    await platform.advance(5_500);
    expect(server.connections.length).toBe(2);
  });

  test("[R20] a connection in the making that a sleep may have killed is given 5 s more, not 15", async () => {
    const { server, tide, platform } = world();
    server.welcoming = false;
    tide.open("board", "b");
    await platform.advance(1_000);
    platform.wake("visible");
    await platform.advance(5_300);
    expect(server.connections.length).toBe(2);
  });

  test("a server's hint is not cut short by a page that wakes", async () => {
    const { server, platform } = await following();
    server.now.send(["goaway", { code: "draining", afterMs: 8_000, jitterMs: 2_000 }]);
    server.now.close(1_012);
    platform.wake("online");
    await platform.advance(8_900);
    expect(server.connections.length).toBe(1);
    await platform.advance(200);
    expect(server.connections.length).toBe(2);
  });
});

describe("what is counted", () => {
  test.each([
    ["behind", [HANDLE, 1, 3], { seq: 3, epoch: 1 }],
    ["behind", [HANDLE, 2, 3], { seq: 3, epoch: 2 }],
    ["ahead", [HANDLE, 1, 0], { seq: 1, epoch: 1 }],
    ["otherHistory", [HANDLE, 2, 1], { seq: 1, epoch: 2 }],
    ["otherHistory", [HANDLE, 2, 3], { seq: 3, epoch: 2, gap: true }],
  ] as const)("[R13] [HEAD-3] a client that is %s by the heads %j, once it is healed", async (kind, heads, reset) => {
    const { server, tide } = await following();
    const none = { behind: 0, ahead: 0, otherHistory: 0, gap: 0, audit: 0 };
    server.now.send(["ping", 1, heads]);
    await server.settle();
    expect(tide.stats.healed).toEqual(none);
    server.now.reset(EMPTY, reset);
    expect(tide.stats.healed).toEqual({ ...none, [kind]: 1 });
    expect(tide.stats.resets).toMatchObject({ diverged: 1 });
  });

  test("[R13] [SEQ-2] a gap in the chain, a subscription that heads do not name, a reset by reason", async () => {
    const made = await following();
    const { server, tide } = made;
    server.now.send(delta(3, 4, [title("x")]));
    await server.settle();
    server.now.reset(EMPTY, { seq: 4 });
    await beat(made, 30_000);
    server.now.resume(4);
    await reconnect(made);
    server.now.reset(EMPTY, { seq: 9 });
    expect(tide.stats).toMatchObject({
      healed: { gap: 1 },
      absent: 1,
      connections: 2,
      resets: { diverged: 1, behind: 1 },
    });
  });

  test("latency of first payloads, those that were late, and the time that was not live", async () => {
    const { server, tide, platform } = world();
    tide.open("board", "b");
    await platform.advance(10_200);
    server.now.reset(EMPTY);
    await platform.advance(3_000);
    const { s } = server.now.last("open")[1];
    expect(s).toBe(2);
    expect(tide.stats).toMatchObject({
      firstPayloads: { count: 1, lastMs: 200, maxMs: 200, sumMs: 200 },
      late: 1,
      liveMs: 3_000,
      notLiveMs: 10_200,
    });
  });

  test("round trips of pings", async () => {
    const { server, tide, platform } = await following();
    expect(tide.stats.rttMs).toBeUndefined();
    platform.wake("visible");
    await platform.advance(70);
    server.now.send(["pong", server.now.last("ping")[1], [HANDLE, 1, 1]]);
    expect(tide.stats.rttMs).toBe(70);
  });
});

describe("reports", () => {
  const reports = (pings: readonly PingMessage[]): [k: number, stats: unknown][] =>
    pings.flatMap(([, k, , extension]) =>
      extension === undefined ? [] : [[k, Reflect.get(Object(extension), "stats")]],
    );

  test("[HEAD-5] once a minute a ping carries what was counted since the last report that was answered", async () => {
    const made = await following();
    const { server, tide } = made;
    server.now.send(["ping", 1, [HANDLE, 1, 3]]);
    await server.settle();
    server.now.send(["pong", server.now.last("ping")[1], []]);
    server.now.reset(EMPTY, { seq: 3 });
    await beat(made, 60_000, [HANDLE, 1, 3]);
    const [first, ...none] = reports(server.now.all("ping"));
    expect([first, none]).toEqual([
      [
        expect.any(Number),
        { connections: 1, liveMs: 60_000, rttMs: 0, firstPayloads: 2, "healed.behind": 1, "resets.diverged": 1 },
      ],
      [],
    ]);
    await beat(made, 60_000, [HANDLE, 1, 3]);
    const unanswered = reports(server.now.all("ping"));
    expect(unanswered[1]).toMatchObject([expect.any(Number), { connections: 1, "healed.behind": 1, liveMs: 120_000 }]);
    server.now.send(["pong", unanswered.at(-1)?.[0] ?? 0, [HANDLE, 1, 3]]);
    await beat(made, 60_000, [HANDLE, 1, 3]);
    expect(reports(server.now.all("ping"))[2]).toMatchObject([expect.any(Number), { liveMs: 60_000 }]);
    expect(JSON.stringify(reports(server.now.all("ping"))[2])).not.toContain("connections");
    expect(tide.stats.liveMs).toBe(180_000);
  });

  test("[HEAD-5] what a connection took with it is told on the next one", async () => {
    const made = await following();
    await beat(made, 60_000, [HANDLE, 1, 1]);
    await reconnect(made);
    made.server.now.resume(1);
    await beat(made, 60_000, [HANDLE, 1, 1]);
    expect(reports(made.server.now.all("ping"))).toMatchObject([[expect.any(Number), { connections: 2 }]]);
  });
});
