import { CLOSE } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { HANDLE } from "../../support/fake-server.js";
import { beat, EMPTY, following, hear, world } from "./world.js";

describe("connecting", () => {
  test("[HELLO-1] says hello first, and nothing else before welcome", async () => {
    const { server, tide, platform } = world();
    server.welcoming = false;
    tide.open("board", "b");
    void tide
      .call("board", "b")
      .clear()
      .catch(() => undefined);
    await server.settle();
    hear(tide.call("board", "b").clear());
    tide.open("board", "other");
    await server.settle();
    expect(server.now.received.map(([type]) => type)).toEqual(["hello"]);
    expect(server.now.received[0]).toMatchObject([
      "hello",
      { v: 1, token: "token", client: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
    expect(platform.sockets[0]).toMatchObject({ url: "wss://tide.test/v1/socket", subprotocol: "tidemark.v1.json" });
    server.now.welcome();
    await server.settle();
    expect(server.now.received.map(([type]) => type)).toEqual(["hello", "open", "open", "c", "c"]);
  });

  test("connects only when something is asked for, and shows where it stands", async () => {
    const { server, tide } = world();
    const seen: string[] = [];
    tide.onStatus((status) => seen.push(status));
    await server.settle();
    expect([tide.status, server.connections.length]).toEqual(["connecting", 0]);
    tide.open("board", "b");
    await server.settle();
    expect(tide.status).toBe("live");
    tide.close();
    expect(seen).toEqual(["live", "closed"]);
  });

  test("speaks msgpack when asked to", async () => {
    const { board, server } = await following({ codec: "msgpack" });
    expect(server.now.socket.subprotocol).toBe("tidemark.v1.msgpack");
    expect(board.state).toEqual(EMPTY);
  });

  test("[HELLO-5] conn rises with each connection, the client id stays", async () => {
    const { server, tide, platform } = world();
    tide.open("board", "b");
    await server.settle();
    const first = server.now.last("hello")[1];
    server.now.close(1006);
    await platform.advance(300);
    const second = server.now.last("hello")[1];
    expect(second.client).toBe(first.client);
    expect(second.conn).toBeGreaterThan(first.conn);
  });

  test("messages of one tick leave as one frame", async () => {
    const { server, tide, board } = await following();
    const before = server.now.frames.length;
    void board.send.clear();
    void board.send.clear();
    void tide.call("board", "other").clear();
    await server.settle();
    expect(server.now.frames.slice(before)).toEqual([3]);
  });

  test("[FRAME-9] ignores messages it does not know, and unknown fields", async () => {
    const { server, board } = await following();
    server.now.sendRaw('[["weather",{"rain":true}],["d",7,1,2,[["=","/title","x"]],{"shade":"blue"}]]');
    expect(board.state?.title).toBe("x");
    expect(board.status).toBe("live");
  });

  test("a frame that cannot be read costs the connection, not what is held", async () => {
    const { server, board, platform } = await following();
    server.now.sendRaw("[[");
    expect(board.status).toBe("stale");
    await platform.advance(300);
    expect(server.now.last("open")[1].at).toEqual([[1, 1, ""]]);
  });

  test("a url that is none is refused at once", () => {
    expect(() => world({ url: "nowhere" })).toThrow(TypeError);
  });
});

describe("coming back", () => {
  test("[CLOSE-2] waits a random time up to 250 ms, doubled for each failure, at most 5 s", async () => {
    const { server, tide, platform } = world();
    platform.random = () => 0.999;
    server.reachable = false;
    tide.open("board", "b");
    await server.settle();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 8; attempt++) {
      const before = platform.monotonicMs();
      while (server.connections.length === attempt) await platform.advance(10);
      waits.push(platform.monotonicMs() - before);
    }
    const most = [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000];
    for (const [index, wait] of waits.entries()) expect(wait).toBeLessThanOrEqual((most[index] ?? 0) + 20);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThan((most[index] ?? 0) * 0.9);
  });

  test("[R20] a connection that carries nothing before welcome costs less than 15 s, whatever came before", async () => {
    const { server, tide, platform } = world();
    platform.random = () => 0.999;
    server.reachable = false;
    tide.open("board", "b");
    for (let seconds = 0; seconds < 30; seconds++) await platform.advance(1_000);
    server.reachable = true;
    server.welcoming = false;
    const unreachable = server.connections.length;
    while (server.connections.length === unreachable) await platform.advance(100);
    const from = platform.monotonicMs();
    while (server.connections.length === unreachable + 1) await platform.advance(100);
    expect(platform.monotonicMs() - from).toBeLessThan(14_000);
    // An application may take 10 s to say who somebody is.
    expect(platform.monotonicMs() - from).toBeGreaterThan(11_000);
  });

  test("[CLOSE-2] full jitter: the wait may be next to nothing", async () => {
    const { server, platform } = await following();
    platform.random = () => 0;
    server.now.close(1006);
    await platform.advance(1);
    expect(server.connections.length).toBe(2);
  });

  test("[CLOSE-2] a server that welcomes and cuts at once is not hammered", async () => {
    const { server, tide, platform } = world();
    platform.random = () => 0.999;
    tide.open("board", "b");
    for (let seconds = 0; seconds < 20; seconds++) {
      await platform.advance(1_000);
      if (server.now.open) server.now.close(1006);
    }
    expect(server.connections.length).toBeLessThan(12);
  });

  test.each([CLOSE.protocolError, CLOSE.replaced, CLOSE.revoked, 4_999])(
    "[CLOSE-1] does not come back after %i: everything ends with the reason",
    async (code) => {
      const { server, board, platform, tide } = await following();
      const sent = hear(board.send.clear());
      await server.settle();
      server.now.close(code);
      await platform.advance(60_000);
      expect(server.connections.length).toBe(1);
      expect([tide.status, board.status]).toEqual(["closed", "ended"]);
      expect(sent.answer).toMatchObject({ code: board.error?.code, outcome: "unknown" });
      await expect(board.send.clear()).rejects.toMatchObject({ outcome: "rejected" });
      expect(tide.open("board", "b").error?.code).toBe(board.error?.code);
    },
  );

  test.each([CLOSE.draining, CLOSE.slowReader, CLOSE.silent, CLOSE.internal, 1_001, 1_006, 3_000])(
    "[CLOSE-1] comes back after %i",
    async (code) => {
      const { server, platform } = await following();
      server.now.close(code);
      await platform.advance(300);
      expect(server.connections.length).toBe(2);
    },
  );

  test("obeys the hint of goaway instead of its own back-off", async () => {
    const { server, platform } = await following();
    server.now.send(["goaway", { code: "draining", afterMs: 8_000, jitterMs: 2_000 }]);
    server.now.close(CLOSE.draining);
    await platform.advance(8_900);
    expect(server.connections.length).toBe(1);
    await platform.advance(200);
    expect(server.connections.length).toBe(2);
  });

  test("[R20] a page that is shown or gets its network back does not wait out the back-off", async () => {
    const { server, tide, platform } = world();
    server.reachable = false;
    tide.open("board", "b");
    await platform.advance(60_000);
    platform.random = () => 0.999;
    while (!server.now.socket.closedWith) await platform.advance(1);
    const before = server.connections.length;
    server.reachable = true;
    platform.wake("online");
    await platform.advance(260);
    expect(server.connections.length).toBe(before + 1);
    expect(tide.status).toBe("live");
  });

  test("a socket that never opens, or never welcomes, is given up", async () => {
    const { server, tide, platform } = world();
    server.welcoming = false;
    tide.open("board", "b");
    await platform.advance(15_300);
    expect(server.connections.length).toBe(2);
    expect(server.connections[0]?.open).toBe(false);
    expect(tide.status).toBe("offline");
  });

  test("what an old socket says late is not heard", async () => {
    const { server, board, platform } = await following();
    const old = server.now;
    await platform.advance(26_000);
    expect(server.connections.length).toBe(2);
    old.send(["d", 7, 1, 2, [["=", "/title", "late"]]]);
    old.socket.listener.closed(4_999);
    await platform.advance(0);
    expect(board.state?.title).toBe("");
    expect(server.now.open).toBe(true);
  });
});

describe("tokens", () => {
  test("a function is asked for each connection, and again before expiry", async () => {
    const made = world({ token: numbered() });
    const { server, tide, platform } = made;
    server.welcoming = false;
    tide.open("board", "b");
    await server.settle();
    server.now.welcome({ now: 0, exp: 100_000 });
    await server.settle();
    server.now.reset(EMPTY);
    await beat(made, 69_000, [HANDLE, 1, 1]);
    expect(server.now.all("auth")).toEqual([]);
    await platform.advance(1_500);
    expect(server.now.all("auth")).toEqual([["auth", { token: "token-2" }]]);
    server.now.close(1_006);
    await platform.advance(300);
    expect(server.now.last("hello")[1].token).toBe("token-3");
  });

  test("a text that the server refuses is not sent again: the client is closed with unauthenticated", async () => {
    const { server, tide, platform } = world();
    server.welcoming = false;
    const board = tide.open("board", "b");
    await server.settle();
    server.now.close(CLOSE.unauthenticated);
    await platform.advance(10_000);
    expect(server.connections.length).toBe(1);
    expect([board.status, board.error?.code, tide.status]).toEqual(["ended", "unauthenticated", "closed"]);
  });

  test("a function that gives another token gets another try", async () => {
    const { server, tide, platform } = world({ token: numbered() });
    server.welcoming = false;
    tide.open("board", "b");
    await server.settle();
    server.now.close(CLOSE.unauthenticated);
    await platform.advance(1_000);
    expect(server.now.last("hello")[1].token).toBe("token-2");
  });

  test("a function that throws is asked again after the back-off", async () => {
    let asked = 0;
    const { server, tide, platform } = world({
      token: async () => {
        if (asked++ === 0) throw new Error("no network");
        return "token";
      },
    });
    tide.open("board", "b");
    await platform.advance(1_000);
    expect([asked, tide.status, server.connections.length]).toEqual([2, "live", 1]);
  });
});

function numbered(): () => Promise<string> {
  let asked = 0;
  return async () => `token-${++asked}`;
}
