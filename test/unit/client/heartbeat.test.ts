import { CLOSE } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { beat, EMPTY, following, reconnect, world } from "./world.js";

describe("liveness", () => {
  test("[HEAD-2] answers a ping by a pong with its k and the heads it holds", async () => {
    const { server } = await following();
    server.now.send(delta(1, 2, [["=", "/title", "x"]]), ["ping", 41, [HANDLE, 1, 2]]);
    await server.settle();
    expect(server.now.all("pong")).toEqual([["pong", 41, [HANDLE, 1, 2]]]);
  });

  test("[HEAD-4] pings when half the watchdog is gone, doubts after two pings that did not come, and gives up at 25 s", async () => {
    const { server, board, platform } = await following();
    const first = server.now;
    await platform.advance(12_400);
    expect(first.all("ping")).toEqual([]);
    await platform.advance(200);
    expect(first.all("ping")).toEqual([["ping", 1, [HANDLE, 1, 1]]]);
    await platform.advance(7_300);
    expect(board.status).toBe("live");
    await platform.advance(200);
    expect([board.status, first.all("ping").length, first.socket.closedWith]).toEqual(["stale", 2, undefined]);
    await platform.advance(4_800);
    expect(first.socket.closedWith).toBe(undefined);
    await platform.advance(200);
    expect([board.status, first.socket.closedWith]).toEqual(["stale", CLOSE.silent]);
    await platform.advance(300);
    expect(server.connections.length).toBe(2);
  });

  test("[HEAD-4] [R13] after two pings that did not come, only the answer to a later ping makes it live", async () => {
    const { server, board, platform } = await following();
    await platform.advance(20_100);
    server.now.send(["ping", 1, [HANDLE, 1, 1]], ["pong", 1, [HANDLE, 1, 1]]);
    expect(board.status).toBe("stale");
    server.now.send(["pong", 2, [HANDLE, 1, 1]]);
    expect(board.status).toBe("live");
    await platform.advance(19_800);
    expect([board.status, server.connections.length]).toEqual(["live", 1]);
    await platform.advance(200);
    expect(board.status).toBe("stale");
  });

  test("[HEAD-4] [R13] an answer that waited for its reader says no more than where everything stood when it was asked", async () => {
    const { server, board, platform } = await following();
    await platform.advance(24_800);
    expect(board.status).toBe("stale");
    server.now.send(["pong", 1, [HANDLE, 1, 1]], ["pong", 2, [HANDLE, 1, 1]]);
    expect(board.status).toBe("live");
    await platform.advance(15_000);
    expect(board.status).toBe("live");
    await platform.advance(400);
    expect([board.status, server.connections.length]).toEqual(["stale", 1]);
  });

  test("[HEAD-4] [R13] nor does it say when the server sent a ping that it was read", async () => {
    const { server, board, platform } = await following();
    await platform.advance(12_600);
    server.now.send(["pong", 1, [HANDLE, 1, 1]]);
    await platform.advance(19_000);
    server.now.send(["ping", 1, [HANDLE, 1, 1]]);
    await platform.advance(800);
    expect(board.status).toBe("live");
    await platform.advance(400);
    expect([board.status, server.connections.length]).toEqual(["stale", 1]);
  });

  test("[HEAD-4] [R13] a way out that swallows everything is noticed while all that comes in still comes", async () => {
    const made = await following();
    const { server, board, platform } = made;
    await beat(made, 30_000, [HANDLE, 1, 1]);
    await platform.advance(10_000);
    server.now.send(["ping", 91, [HANDLE, 1, 1]]);
    await platform.advance(9_900);
    server.now.send(["ping", 92, [HANDLE, 1, 1]]);
    expect(board.status).toBe("live");
    await platform.advance(200);
    expect(board.status).toBe("stale");
    // An answer may only be late: whoever hears nothing is the server, and it closes.
    for (let k = 93; k < 100; k++) {
      server.now.send(["ping", k, [HANDLE, 1, 1]]);
      await platform.advance(10_000);
    }
    expect([board.status, server.connections.length]).toEqual(["stale", 1]);
  });

  test("[HEAD-4] [R20] an answer that another one overtook was lost, and with it what was sent before: another connection", async () => {
    const made = await following();
    const { server, board, platform } = made;
    server.now.send(["ping", 1, [HANDLE, 1, 1]]);
    await platform.advance(10_100);
    server.now.send(["ping", 2, [HANDLE, 1, 1]]);
    await server.settle();
    const asked = server.now.all("ping").map(([, k]) => k);
    expect([asked.length > 1, board.status, server.connections.length]).toEqual([true, "stale", 1]);
    server.now.send(["pong", asked.at(-1) ?? 0, [HANDLE, 1, 1]]);
    await platform.advance(300);
    expect(server.connections.length).toBe(2);
  });

  test("[HEAD-4] [R13] what comes between heartbeats does not stand for them: a frame may be lost", async () => {
    const { server, board, platform } = await following();
    for (let seq = 2; seq <= 4; seq++) {
      await platform.advance(6_500);
      server.now.send(delta(seq - 1, seq, [["=", "/title", String(seq)]]));
    }
    expect(board.status).toBe("live");
    await platform.advance(600);
    expect([board.status, server.connections.length]).toEqual(["stale", 1]);
    server.now.send(["pong", server.now.last("ping")[1], [HANDLE, 1, 4]]);
    expect(board.status).toBe("live");
  });

  test("[HEAD-2] answers the server's ping by a ping of its own too, one at a time", async () => {
    const { server } = await following();
    server.now.send(["ping", 1, [HANDLE, 1, 1]]);
    await server.settle();
    server.now.send(["ping", 2, [HANDLE, 1, 1]]);
    await server.settle();
    expect(server.now.all("ping")).toEqual([["ping", 1, []]]);
    server.now.send(["pong", 1, []], ["ping", 3, [HANDLE, 1, 1]]);
    await server.settle();
    expect(server.now.all("ping")).toEqual([
      ["ping", 1, []],
      ["ping", 2, []],
    ]);
  });

  test("[HEAD-4] any message is a sign of life", async () => {
    const made = await following();
    await beat(made, 200_000, [HANDLE, 1, 1]);
    expect(made.server.connections.length).toBe(1);
    expect(made.board.status).toBe("live");
  });

  test("on a wake it asks at once, and waits 5 s for the answer", async () => {
    const { server, platform } = await following();
    platform.wake("visible");
    await server.settle();
    expect(server.now.all("ping").length).toBe(1);
    await platform.advance(4_900);
    expect(server.connections.length).toBe(1);
    await platform.advance(500);
    expect(server.connections.length).toBe(2);
  });

  test("a wake that is answered changes nothing", async () => {
    const { server, platform } = await following();
    platform.wake("visible");
    await server.settle();
    server.now.send(["pong", 1, [HANDLE, 1, 1]]);
    await platform.advance(20_000);
    expect(server.connections.length).toBe(1);
  });

  test("a page that was frozen asks before it judges: its timers run before the messages that waited", async () => {
    const { server, platform, board } = await following();
    await platform.freeze(600_000);
    const { length } = server.now.all("ping");
    expect([board.status, length > 0]).toEqual(["stale", true]);
    server.now.send(["ping", 1, [HANDLE, 1, 1]]);
    await platform.advance(5_500);
    expect(server.connections.length).toBe(1);
  });

  test("a page that was frozen and hears nothing afterwards makes another connection", async () => {
    const { server, platform } = await following();
    await platform.freeze(600_000);
    await platform.advance(5_500);
    expect(server.connections.length).toBe(2);
  });

  test("a page that is frozen again and again has one such chance until something is heard", async () => {
    const { server, platform } = await following();
    await platform.freeze(600_000);
    expect(server.connections[0]?.open).toBe(true);
    await platform.freeze(600_000);
    expect(server.connections[0]?.open).toBe(false);
  });

  test("[HEAD-2] heads of many documents go out in pings of 64", async () => {
    const { server, tide, platform } = world();
    for (let index = 0; index < 130; index++) tide.open("board", `b${index}`);
    await server.settle();
    for (const [, { s }] of server.now.all("open")) {
      server.now.send(
        ["opened", { s, h: [s + 100], mode: ["reset"], prev: [1], tag: [""] }],
        ["snap", s + 100, 1, 1, EMPTY],
      );
    }
    await platform.advance(12_600);
    expect(server.now.all("ping").map(([, , heads]) => heads.length / 3)).toEqual([64, 64, 2]);
  });
});

describe("divergence", () => {
  test.each([
    ["behind", [HANDLE, 1, 3]],
    ["ahead", [HANDLE, 1, 0]],
    ["on another history", [HANDLE, 2, 1]],
  ])("[HEAD-3] [SEQ-5] [R13] a client that is %s asks for a snapshot under the tag !", async (_how, heads) => {
    const { server, board } = await following();
    const statuses: string[] = [];
    board.onStatus((status) => statuses.push(status));
    const first = server.now.last("open")[1].s;
    server.now.send(["ping", 1, heads]);
    await server.settle();
    expect(board.status).toBe("stale");
    expect(server.now.all("close")).toEqual([["close", first]]);
    expect(server.now.last("open")[1]).toMatchObject({ at: [[1, 1, "!"]] });
    const causes: unknown[] = [];
    board.subscribe((_state, change) => causes.push(change.cause === "reset" ? change.reason : change.cause));
    server.now.reset({ ...EMPTY, title: "healed" }, { seq: 3 });
    expect([board.status, board.state?.title, causes]).toEqual(["live", "healed", ["first", "diverged"]]);
    expect(statuses).toEqual(["stale", "live"]);
  });

  test("[R13] pongs are compared like pings", async () => {
    const { server, board } = await following();
    server.now.send(["pong", 9, [HANDLE, 1, 2]]);
    expect(board.status).toBe("stale");
  });

  test("[SEQ-5] the tag ! stays until a reset is complete, over a reconnect too", async () => {
    const made = await following();
    const { server } = made;
    server.now.send(["ping", 1, [HANDLE, 1, 3]]);
    await server.settle();
    const { s } = server.now.last("open")[1];
    server.now.send(["opened", { s, h: [HANDLE], mode: ["reset"], prev: [5], tag: [""] }]);
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([[1, 1, "!"]]);
    server.now.reset(EMPTY, { seq: 5 });
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([[1, 5, ""]]);
  });

  test("[SEQ-5] what is being healed is not resumed, even if the server would", async () => {
    const made = await following();
    const { server, board, platform } = made;
    server.now.send(["ping", 1, [HANDLE, 1, 3]]);
    await server.settle();
    server.now.resume(1);
    await platform.advance(1_000);
    expect(board.status).toBe("stale");
    expect(server.now.last("open")[1].at).toEqual([[1, 1, "!"]]);
  });

  test("[SEQ-3] advances move what heads are compared with", async () => {
    const { server, board } = await following();
    server.now.send(delta(1, 4, [], { e: 1 }), ["ping", 1, [HANDLE, 1, 4]]);
    await server.settle();
    expect([board.status, board.position]).toEqual(["live", { epoch: 1, seq: 4 }]);
  });

  test("[HEAD-3] a subscription that two rounds of heads do not name is opened again, from where it is", async () => {
    const made = await following();
    const { server, board } = made;
    await beat(made, 10_000);
    expect(server.now.all("open").length).toBe(1);
    await beat(made, 10_000);
    expect(server.now.all("open").length).toBe(2);
    expect(server.now.last("open")[1].at).toEqual([[1, 1, ""]]);
    expect(board.status).toBe("stale");
    server.now.resume(1);
    expect(board.status).toBe("live");
  });

  test("[HEAD-3] one round of absence at a time is nothing", async () => {
    const made = await following();
    const { server } = made;
    for (let round = 0; round < 6; round++) await beat(made, 10_000, round % 2 === 0 ? [] : [HANDLE, 1, 1]);
    expect([server.connections.length, server.now.all("open").length]).toEqual([1, 1]);
  });

  test("[HEAD-3] rounds that waited to be read together are one, when it comes to opening it again", async () => {
    const { server, board, platform } = await following();
    await platform.advance(10_000);
    server.now.send(["ping", 1, []], ["ping", 2, []], ["ping", 3, []], ["ping", 4, []]);
    expect([board.status, server.now.all("open").length]).toEqual(["stale", 1]);
    await platform.advance(6_000);
    server.now.send(["ping", 5, []]);
    await server.settle();
    expect([board.status, server.now.all("open").length]).toEqual(["stale", 2]);
  });

  test("[HEAD-3] [R13] what heads leave out is stale until something is about it: its server may hold more", async () => {
    const { server, board, platform } = await following();
    const statuses: unknown[] = [];
    board.onStatus((status) => statuses.push(status));
    await platform.advance(10_000);
    server.now.send(["ping", 1, [HANDLE, 1, 1]], ["ping", 2, []]);
    expect([board.status, statuses]).toEqual(["stale", ["stale"]]);
    await server.settle();
    server.now.send(["pong", server.now.last("ping")[1], [HANDLE, 1, 1]]);
    expect([board.status, statuses]).toEqual(["live", ["stale", "live"]]);
    expect(server.now.all("open").length).toBe(1);
  });

  test("[HEAD-2] [HEAD-3] [R13] an answer says so as well, and an answer is asked for when something comes", async () => {
    const { server, board, platform } = await following();
    await platform.advance(10_000);
    server.now.send(["ping", 1, [HANDLE, 1, 1]]);
    await server.settle();
    server.now.send(["pong", server.now.last("ping")[1], [], { left: 1 }]);
    expect([board.status, server.now.all("ping").length]).toEqual(["stale", 1]);
    server.now.send(delta(1, 2, [["=", "/title", "x"]]), delta(2, 3, [["=", "/title", "y"]]));
    await server.settle();
    expect([board.status, server.now.all("ping").length]).toEqual(["stale", 2]);
    server.now.send(["pong", server.now.last("ping")[1], []]);
    expect([board.status, board.state?.title]).toEqual(["live", "y"]);
    server.now.send(["pong", 3, [], { left: 1 }]);
    expect(server.now.all("open").length).toBe(1);
  });

  test("[HEAD-3] a round of more heads than one ping holds is over with its last", async () => {
    const { server, board, platform } = await following();
    await platform.advance(10_000);
    const others = Array.from({ length: 64 }, (_, n) => [1_000 + n, 1, 1]).flat();
    server.now.send(["ping", 1, others]);
    expect(board.status).toBe("live");
    server.now.send(["ping", 2, [HANDLE, 1, 1]]);
    expect(board.status).toBe("live");
    server.now.send(["ping", 3, others], ["ping", 4, []]);
    expect(board.status).toBe("stale");
  });

  test("a server that keeps contradicting itself is asked ever less often", async () => {
    const { server, platform } = await following();
    platform.random = () => 0.999;
    for (let tick = 0; tick < 600; tick++) {
      const open = server.now.all("open").length;
      if (open > 0) {
        const { s } = server.now.last("open")[1];
        server.now.send(
          ["opened", { s, h: [HANDLE], mode: ["reset"], prev: [1], tag: [""] }],
          ["snap", HANDLE, 1, 1, EMPTY],
          ["ping", tick, [HANDLE, 1, 2]],
        );
      }
      await platform.advance(100);
    }
    expect(server.now.all("open").length).toBeLessThan(25);
  });
});
