import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { EMPTY, following, hear, reconnect, world } from "./world.js";

const title = (text: string): ["=", string, string] => ["=", "/title", text];

describe("lifetime", () => {
  test("a document opened twice shares one stream and one state", async () => {
    const { server, tide, board } = await following();
    const again = tide.open("board", "b");
    await server.settle();
    expect(server.now.all("open").length).toBe(1);
    expect(again.state).toBe(board.state);
    board.close();
    board.close();
    server.now.send(delta(1, 2, [title("a")]));
    expect([board.status, board.state?.title, again.status, again.state?.title]).toEqual(["closed", "", "live", "a"]);
  });

  test("[VIEW-4] other parameters are another stream, equal ones the same, and what is no JSON never leaves", async () => {
    const { server, tide } = await following();
    const narrow = tide.open("board", "b", { params: { search: "x", by: "me" } });
    tide.open("board", "b", { params: { by: "me", search: "x" } });
    tide.open("board", "b", { params: {} });
    await server.settle();
    expect(server.now.all("open").map(([, open]) => open)).toEqual([
      { s: 1, doc: "board/b" },
      { s: 2, doc: "board/b", params: { search: "x", by: "me" } },
    ]);
    const wrong = tide.open("board", "b", { params: { search: Number.NaN } });
    expect([wrong.status, wrong.error?.code]).toEqual(["ended", "invalid_params"]);
    server.now.send(["ended", { s: 2, code: "invalid_params", retry: "never", data: [{ path: "/by" }] }]);
    expect([narrow.error?.code, narrow.error?.data]).toEqual(["invalid_params", [{ path: "/by" }]]);
  });

  test("[VIEW-4] what narrows no view never leaves either: no object, or no JSON", () => {
    const { tide, server } = world();
    const untyped = ['{"params":null}', '{"params":[1]}', '{"params":"x"}'].map((text) => JSON.parse(text));
    for (const options of [...untyped, { params: { at: new Date(0) } }]) {
      const wrong = tide.open("board", "b", options);
      expect([wrong.status, wrong.error?.code]).toEqual(["ended", "invalid_params"]);
    }
    expect(server.connections).toEqual([]);
  });

  test("[PACE-1] everyMs travels as whole milliseconds, on each connection; equal paces share a stream", async () => {
    const made = world();
    const { server, tide } = made;
    tide.open("board", "b", { everyMs: 99.5 });
    tide.open("board", "b", { everyMs: 100 });
    tide.open("board", "b");
    tide.open("board", "b", { everyMs: 0 });
    await server.settle();
    const asked = [
      { s: 1, doc: "board/b", every: 100 },
      { s: 2, doc: "board/b" },
      { s: 3, doc: "board/b", every: 0 },
    ];
    expect(server.now.all("open").map(([, open]) => open)).toEqual(asked);
    await reconnect(made);
    expect(server.now.all("open").map(([, { every }]) => every)).toEqual([100, undefined, 0]);
    for (const everyMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const wrong = tide.open("board", "d", { everyMs });
      expect([wrong.status, wrong.error?.code]).toEqual(["ended", "invalid_input"]);
    }
  });

  test("the stream outlives its last opening by 5 s, and an open in that time takes it over", async () => {
    const { server, tide, board, platform } = await following();
    board.close();
    await platform.advance(4_900);
    const again = tide.open("board", "b");
    expect([again.status, again.state]).toEqual(["live", EMPTY]);
    again.close();
    await platform.advance(4_900);
    expect(server.now.all("close")).toEqual([]);
    await platform.advance(200);
    expect(server.now.all("close")).toEqual([["close", 1]]);
    tide.open("board", "b");
    await server.settle();
    expect(server.now.last("open")[1]).toEqual({ s: 2, doc: "board/b" });
  });

  test("a closed opening hears nothing more", async () => {
    const { server, tide, board } = await following();
    tide.open("board", "b");
    const heard: string[] = [];
    board.subscribe((state) => heard.push(state.title));
    board.on("added", () => heard.push("event"));
    board.close();
    board.subscribe((state) => heard.push(state.title));
    server.now.send(delta(1, 2, [title("a")], { ev: [[2, 0, "added", { id: "x" }]] }));
    expect(heard).toEqual([""]);
  });

  test("a document that has ended can be opened again", async () => {
    const { server, tide, board } = await following();
    server.now.send(["ended", { s: 1, code: "deleted", retry: "never" }]);
    const again = tide.open("board", "b", { create: { title: "new" } });
    await server.settle();
    expect([board.status, again.status]).toEqual(["ended", "connecting"]);
    expect(server.now.last("open")[1]).toEqual({ s: 2, doc: "board/b", create: { title: "new" } });
  });

  test("[ID-1] open never throws: a malformed key shows as its error", async () => {
    const { server, tide } = await following();
    for (const key of ["", ".", "..", "a/b", "x".repeat(129)]) {
      const board = tide.open("board", key);
      expect([board.status, board.error?.code]).toEqual(["ended", "invalid_key"]);
    }
    await server.settle();
    expect(server.now.all("open").length).toBe(1);
  });

  test("after close everything is closed, and stays so", async () => {
    const { server, tide, board, platform } = await following();
    tide.close();
    expect([tide.status, board.status, board.state, board.error]).toEqual(["closed", "closed", EMPTY, undefined]);
    expect(tide.open("board", "other").status).toBe("closed");
    platform.wake("online");
    await platform.advance(60_000);
    expect([server.connections.length, platform.pending]).toEqual([1, 0]);
  });
});

describe("status", () => {
  test("offline while the network is known to be down, or the service cannot be reached", async () => {
    const made = await following();
    const { server, board, platform, tide } = made;
    const statuses: string[] = [];
    board.onStatus((status) => statuses.push(status));
    server.reachable = false;
    await reconnect(made);
    await platform.advance(1_000);
    expect([board.status, tide.status, board.state]).toEqual(["offline", "offline", EMPTY]);
    server.reachable = true;
    await platform.advance(10_000);
    server.now.resume(1);
    expect(statuses).toEqual(["stale", "offline", "stale", "live"]);
  });

  test("a page without network is offline at once when its socket goes", async () => {
    const { server, board, platform } = await following();
    platform.networkUp = false;
    server.now.close(1006);
    expect(board.status).toBe("offline");
  });

  test("a listener that was removed is not called, not even by the change that removed it", async () => {
    const { server, board } = await following();
    const heard: string[] = [];
    const stop = board.subscribe(() => {
      heard.push("first");
      stopSecond();
    });
    const stopSecond = board.onStatus(() => heard.push("status"));
    const stopThird = board.subscribe((_state, { cause }) => cause === "delta" && heard.push("third"));
    stopThird();
    stopThird();
    server.now.send(delta(1, 2, [title("a")]));
    stop();
    server.now.send(delta(2, 3, [title("b")]));
    expect(heard).toEqual(["first", "first"]);
  });
});

describe("listeners that throw", () => {
  test("do not break the stream, nor the others, and are reported", async () => {
    const { server, board, platform } = await following();
    const heard: string[] = [];
    const bad = (): never => {
      throw new Error("mine");
    };
    board.subscribe(bad);
    board.on("added", bad);
    board.watch((): { [key: string]: number } => bad(), { added: bad });
    board.watch((state) => state.cards, { added: bad });
    board.onStatus(bad);
    board.subscribe((state) => heard.push(state.title));
    board.on("added", ({ id }) => heard.push(id));
    const before = platform.reported.length;
    server.now.send(
      delta(1, 2, [title("a"), ["+", "/cards/x", { text: "x" }]], { ev: [[2, 0, "added", { id: "x" }]] }),
      delta(2, 3, [title("b")]),
    );
    expect(heard).toEqual(["", "b", "x"]);
    expect(platform.reported.length - before).toBe(4);
    expect(board.status).toBe("live");
    server.now.close(1006);
    expect(board.status).toBe("stale");
  });
});

describe("watch", () => {
  test("tells what is there, then what comes, changes and goes, by key", async () => {
    const { server, board } = await following();
    server.now.send(delta(1, 2, [["+", "/cards/a", { text: "a" }]]));
    const calls: unknown[] = [];
    const stop = board.watch((state) => state.cards, {
      added: (card, id) => calls.push(["+", id, card.text]),
      changed: (card, id, previous) => calls.push(["=", id, previous.text, card.text]),
      removed: (card, id) => calls.push(["-", id, card.text]),
    });
    server.now.send(
      delta(2, 3, [
        ["=", "/cards/a/text", "A"],
        ["+", "/cards/b", { text: "b" }],
      ]),
    );
    server.now.send(delta(3, 4, [title("only the title")]));
    server.now.send(delta(4, 5, [["-", "/cards/a"]]));
    stop();
    server.now.send(delta(5, 6, [["-", "/cards/b"]]));
    expect(calls).toEqual([
      ["+", "a", "a"],
      ["=", "a", "a", "A"],
      ["+", "b", "b"],
      ["-", "a", "A"],
    ]);
  });

  test("follows an array by key, whatever its order", async () => {
    const { server, board } = await following();
    const calls: unknown[] = [];
    board.watch((state) => state.order, {
      key: (id) => id,
      added: (id) => calls.push(["+", id]),
      removed: (id) => calls.push(["-", id]),
    });
    server.now.send(delta(1, 2, [["=", "/order", ["a", "b", "c"]]]));
    server.now.send(
      delta(2, 3, [
        [">", "/order/2", "/order/0"],
        ["-", "/order/1"],
      ]),
    );
    expect(calls).toEqual([
      ["+", "a"],
      ["+", "b"],
      ["+", "c"],
      ["-", "a"],
    ]);
  });

  test("an array without a key is reported as the mistake it is", async () => {
    const { board, platform } = await following();
    board.watch((state) => state.order, Object.assign({}));
    expect(platform.reported).toEqual([new TypeError("watch: an array needs `key`")]);
  });
});

describe("iterating", () => {
  test("yields the newest state, skips what a slow loop missed, ends at close", async () => {
    const { server, board } = await following();
    const seen: string[] = [];
    const loop = hear(
      (async () => {
        for await (const state of board) seen.push(state.title);
        return "done";
      })(),
    );
    await server.settle();
    server.now.send(delta(1, 2, [title("a")]));
    server.now.send(delta(2, 3, [title("b")]));
    await server.settle();
    server.now.send(delta(3, 4, [title("c")]));
    await server.settle();
    board.close();
    await server.settle();
    expect([seen, loop.answer]).toEqual([["", "b", "c"], "done"]);
  });

  test.each(["denied", "deleted"] as const)("throws when the document is %s", async (code) => {
    const { server, board } = await following();
    const loop = hear(
      (async () => {
        for await (const _state of board);
      })(),
    );
    await server.settle();
    server.now.send(["ended", { s: 1, code, retry: "never" }]);
    await server.settle();
    expect(loop.answer).toMatchObject({ code });
  });

  test("a loop that is left stops listening", async () => {
    const { server, tide } = await following();
    const board = tide.open("board", "b");
    for await (const state of board) if (state.title === "") break;
    server.now.send(delta(1, 2, [title("a")]));
    expect(board.state?.title).toBe("a");
  });
});

describe("probe", () => {
  test("asks the sequencer and says what it found", async () => {
    const { server, board, platform } = await following();
    const probed = hear(board.probe());
    await platform.advance(40);
    expect(server.now.last("c")).toMatchObject(["c", 1, "board/b", "$head", null, { q: 1 }]);
    server.now.send(["ok", 1, null, [1, 1]]);
    await server.settle();
    expect(probed.answer).toEqual({ seq: 1, head: 1, rttMs: 40 });
  });

  test("[R13] being behind is a suspicion: a ping tells, and what is still behind after 5 s is healed", async () => {
    const { server, board, platform } = await following();
    const probed = hear(board.probe());
    await server.settle();
    server.now.send(["ok", 1, null, [1, 3]]);
    await server.settle();
    expect([probed.answer, board.status]).toEqual([{ seq: 1, head: 3, rttMs: 0 }, "live"]);
    server.now.send(["pong", server.now.last("ping")[1], [HANDLE, 1, 1]]);
    await platform.advance(5_000);
    expect([board.status, server.now.last("open")[1].at]).toEqual(["stale", [[1, 1, "!"]]]);
    expect(board.staleness?.behind).toBe(2);
  });

  test("[R13] a position past the sequencer's head is healed at once, as ahead or as another history", async () => {
    for (const [epoch, kind] of [
      [1, "ahead"],
      [2, "otherHistory"],
    ] as const) {
      const { server, board, tide } = await following();
      server.now.send(delta(1, 4, [title("a")]));
      hear(board.probe());
      await server.settle();
      const statuses: string[] = [];
      board.onStatus((status) => statuses.push(status));
      server.now.send(["ok", 1, null, [epoch, 3]]);
      await server.settle();
      expect([board.status, statuses]).toEqual(["stale", ["stale"]]);
      server.now.reset(EMPTY, { seq: 3, epoch });
      expect([board.status, tide.stats.healed[kind]]).toEqual(["live", 1]);
    }
  });

  test("what came after the question may be later than the answer", async () => {
    const { server, board } = await following();
    hear(board.probe());
    await server.settle();
    server.now.send(delta(1, 2, [title("a")]), ["ok", 1, null, [1, 1]]);
    await server.settle();
    expect(board.status).toBe("live");
  });

  test("[R13] over a connection that is dead it finds out in 5 s, and is answered by the next one", async () => {
    const { server, board, platform } = await following();
    const probed = hear(board.probe());
    await platform.advance(5_500);
    expect([server.connections.length, server.now.last("c")[3]]).toEqual([2, "$head"]);
    server.now.resume(1);
    server.now.send(["ok", 1, null, [1, 1]]);
    await server.settle();
    expect(probed.answer).toMatchObject({ seq: 1, head: 1 });
  });

  test("what was right behind the answer is no difference", async () => {
    const { server, board, platform } = await following();
    hear(board.probe());
    await server.settle();
    server.now.send(["ok", 1, null, [1, 2]], delta(1, 2, [title("a")]), ["pong", 1, [HANDLE, 1, 2]]);
    await platform.advance(6_000);
    expect(board.status).toBe("live");
  });

  test("[R13] another epoch at the same seq is healed at once", async () => {
    const { server, board } = await following();
    hear(board.probe());
    await server.settle();
    server.now.send(["ok", 1, null, [2, 1]]);
    await server.settle();
    expect(board.status).toBe("stale");
  });
});
