import { CLOSE, type WireEvent } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { EMPTY, following, hear, listen, reconnect, world } from "./world.js";

const title = (text: string): ["=", string, string] => ["=", "/title", text];

describe("deltas", () => {
  test("[SEQ-2] [R3] applies a delta whose prev is the chain", async () => {
    const { server, board } = await following();
    server.now.send(delta(1, 2, [title("a")]), delta(2, 5, [title("b")]));
    expect([board.state?.title, board.position]).toEqual(["b", { epoch: 1, seq: 5 }]);
  });

  test.each([
    ["skips ahead", delta(2, 3, [["=", "/title", "x"]])],
    ["repeats", delta(0, 1, [["=", "/title", "x"]])],
    ["stands still", delta(1, 1, [["=", "/title", "x"]])],
    ["goes back", delta(1, 0, [], { e: 1 })],
    ["does not fit", delta(1, 2, [["-", "/nothing"]])],
    ["leaves no object", delta(1, 2, [["=", "", 7]])],
  ])("[SEQ-2] [SEQ-5] a delta that %s is never applied: the client heals", async (_how, message) => {
    const { server, board } = await following();
    server.now.send(message);
    await server.settle();
    expect([board.state, board.status]).toEqual([EMPTY, "stale"]);
    expect(server.now.last("open")[1].at).toEqual([[1, 1, "!"]]);
  });

  test("[SEQ-3] an advance moves the position, not the chain", async () => {
    const { server, board } = await following();
    const told = listen(board);
    server.now.send(delta(1, 4, [], { e: 2 }));
    expect([board.position, told.what]).toEqual([{ epoch: 2, seq: 4 }, [["first", "", 1]]]);
    server.now.send(delta(1, 5, [title("a")], { e: 2 }));
    expect([board.position, board.status]).toEqual([{ epoch: 2, seq: 5 }, "live"]);
  });

  test("[SEQ-4] e changes the epoch that is claimed", async () => {
    const made = await following();
    made.server.now.send(delta(1, 2, [title("a")], { e: 9 }), delta(2, 3, [title("b")]));
    await reconnect(made);
    expect(made.server.now.last("open")[1].at).toEqual([[9, 3, ""]]);
  });

  test("[SEQ-4] an advance is claimed when resuming, and the resumed chain is the server's", async () => {
    const made = await following();
    const { server, board } = made;
    server.now.send(delta(1, 4, [], { e: 1 }));
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([[1, 4, ""]]);
    server.now.resume(1, delta(1, 6, [title("z")]));
    expect([board.state?.title, board.status]).toEqual(["z", "live"]);
  });

  test("[EVENT-1] events come once, after the state of their delta, in order", async () => {
    const { server, board } = await following();
    const seen: unknown[] = [];
    board.on("added", ({ id }, at) => seen.push([id, at.seq, board.state?.title]));
    server.now.send(
      delta(1, 2, [title("a")], { ev: [[2, 0, "added", { id: "x" }]] }),
      delta(2, 3, [title("b")], {
        ev: [
          [3, 0, "added", { id: "y" }],
          [3, 0, "added", { id: "z" }],
        ],
      }),
    );
    expect(seen).toEqual([
      ["x", 2, "b"],
      ["y", 3, "b"],
      ["z", 3, "b"],
    ]);
  });

  test("[SEQ-2] [EVENT-1] a delta over a range, as a pace makes them, is one change; its events keep their seqs", async () => {
    const { server, board, tide } = await following();
    const told = listen(board);
    const changes: unknown[] = [];
    board.subscribe((_state, change) => {
      if (change.cause === "delta") changes.push([change.at.seq, change.patch, change.by]);
    });
    const sent = hear(board.send.clear());
    await server.settle();
    server.now.ok(1, 7);
    await server.settle();
    expect(sent.pending).toBe(true);
    const events: WireEvent[] = [4, 4, 8].map((seq, index) => [seq, 0, "added", { id: `${index}` }]);
    server.now.send(delta(1, 9, [title("a"), ["~", "/title", "b"]], { e: 3, ev: events }));
    await server.settle();
    expect(told.what).toEqual([
      ["first", "", 1],
      ["delta", "ab", 9],
      ["added", "0", 4],
      ["added", "1", 4],
      ["added", "2", 8],
    ]);
    const patch = ["a", "ab"].map((value) => ({ op: "replace", path: "/title", value }));
    expect([changes, sent.pending, board.position]).toEqual([[[9, patch, undefined]], false, { epoch: 3, seq: 9 }]);
    server.now.send(delta(9, 10, [title("c")]), ["ping", 1, [HANDLE, 3, 10]]);
    expect([board.status, board.state?.title, tide.stats.healed.gap]).toEqual(["live", "c", 0]);
  });

  test("[SEQ-3] a delta of events only is part of the chain", async () => {
    const { server, board } = await following();
    const told = listen(board);
    server.now.send(delta(1, 2, [], { ev: [[2, 0, "added", { id: "x" }]] }));
    server.now.send(delta(2, 3, [title("a")]));
    expect(told.what).toEqual([
      ["first", "", 1],
      ["added", "x", 2],
      ["delta", "a", 3],
    ]);
  });

  test("one frame is one notification, whatever it holds", async () => {
    const { server, board } = await following();
    const told = listen(board);
    server.now.send(...[1, 2, 3].map((seq) => delta(seq, seq + 1, [title(`${seq}`)])));
    expect(told.what).toEqual([
      ["first", "", 1],
      ["delta", "3", 4],
    ]);
  });

  test("all documents of a frame have moved before anybody is told", async () => {
    const { server, tide, board } = await following();
    const other = tide.open("board", "other");
    await server.settle();
    server.now.reset(EMPTY, { handle: 8 });
    const seen: unknown[] = [];
    board.subscribe((state, change) => change.cause === "delta" && seen.push([state.title, other.state?.title]));
    server.now.send(delta(1, 2, [title("a")]), ["d", 8, 1, 2, [title("b")]]);
    expect(seen).toEqual([["a", "b"]]);
  });

  test("change.patch is RFC 6902, and by is there when all of it has one author", async () => {
    const { server, board } = await following();
    const changes: unknown[] = [];
    board.subscribe((_state, change) => {
      if (change.cause === "delta") changes.push([change.patch, change.by]);
    });
    server.now.send(delta(1, 2, [title("a")], { by: "ann" }), delta(2, 3, [["~", "/title", "b"]], { by: "ann" }));
    server.now.send(delta(3, 4, [title("c")], { by: "ann" }), delta(4, 5, [title("d")], { by: "bob" }));
    expect(changes).toEqual([
      [
        [
          { op: "replace", path: "/title", value: "a" },
          { op: "replace", path: "/title", value: "ab" },
        ],
        "ann",
      ],
      [
        [
          { op: "replace", path: "/title", value: "c" },
          { op: "replace", path: "/title", value: "d" },
        ],
        undefined,
      ],
    ]);
  });
});

describe("opening", () => {
  test("[OPEN-4] without a position: connecting, then live with the snapshot", async () => {
    const { server, tide } = world();
    const board = tide.open("board", "b", { create: { title: "t" } });
    const statuses: string[] = [board.status];
    board.onStatus((status) => statuses.push(status));
    const told = listen(board);
    await server.settle();
    expect(server.now.last("open")[1]).toEqual({ s: 1, doc: "board/b", create: { title: "t" } });
    expect(board.state).toBeUndefined();
    server.now.reset({ ...EMPTY, title: "t" }, { seq: 3 });
    expect([statuses, told.what]).toEqual([["connecting", "live"], [["first", "t", 3]]]);
  });

  test("[OPEN-2] subscription numbers are never used again", async () => {
    const made = await following();
    const numbers = [made.server.now.last("open")[1].s];
    for (let times = 0; times < 3; times++) {
      await reconnect(made);
      numbers.push(made.server.now.last("open")[1].s);
    }
    expect(new Set(numbers).size).toBe(4);
  });

  test("[OPEN-5] resumes from the position held; nothing is told but what is new", async () => {
    const made = await following();
    const { server, board } = made;
    const told = listen(board);
    await reconnect(made);
    expect(board.status).toBe("stale");
    server.now.resume(1, delta(1, 2, [title("a")]));
    expect([board.status, told.what]).toEqual([
      "live",
      [
        ["first", "", 1],
        ["delta", "a", 2],
      ],
    ]);
  });

  test("[OPEN-7] frames in flight for a closed subscription are dropped in silence", async () => {
    const { server, board, platform } = await following();
    board.close();
    await platform.advance(5_000);
    expect(server.now.all("close").length).toBe(1);
    server.now.send(delta(1, 2, [title("a")]), delta(7, 9, [title("b")]));
    await server.settle();
    expect([server.now.all("open").length, server.connections.length, platform.reported]).toEqual([1, 1, []]);
  });

  test("an opened for an older subscription of the same document is not taken for the new one's", async () => {
    const { server, board } = await following();
    const { s } = server.now.last("open")[1];
    server.now.send(delta(5, 6, [title("gap")]));
    await server.settle();
    server.now.send(
      ["opened", { s, h: [HANDLE], mode: ["resume"], prev: [1], tag: [""] }],
      delta(1, 2, [title("old")]),
    );
    expect([board.state?.title, board.status]).toEqual(["", "stale"]);
  });

  test("a second opened on a running stream must go on from what is held", async () => {
    const { server, board } = await following();
    server.now.send(delta(1, 2, [title("a")]));
    server.now.resume(2, delta(2, 3, [title("b")]));
    expect([board.state?.title, board.status]).toEqual(["b", "live"]);
    server.now.resume(9);
    expect(board.status).toBe("stale");
  });

  test("a first payload that does not come within 10 s is asked for again, then the connection is made anew", async () => {
    const { server, tide, platform } = world();
    tide.open("board", "b");
    await platform.advance(9_900);
    server.now.send(["ping", 1, []]);
    expect(server.now.all("open").length).toBe(1);
    await platform.advance(200);
    server.now.send(["ping", 2, []]);
    expect([server.now.all("open").length, server.now.all("close")]).toEqual([2, [["close", 1]]]);
    await platform.advance(10_000);
    expect(server.connections[0]?.socket.closedWith).toBe(CLOSE.restart);
  });

  test("ended: denied erases the state and is final", async () => {
    const { server, board } = await following();
    const removed: string[] = [];
    board.watch((state) => ({ [state.title]: 1 }), { removed: (_item, key) => removed.push(key) });
    server.now.send(["ended", { s: 1, code: "denied", retry: "never" }]);
    expect([board.status, board.state, board.error?.code]).toEqual(["denied", undefined, "denied"]);
    expect(removed).toEqual([""]);
  });

  test.each(["deleted", "not_found", "upgrade", "quarantined", "revoked"] as const)(
    "ended: %s keeps the last state and is final",
    async (code) => {
      const made = await following();
      const { server, board } = made;
      server.now.send(["ended", { s: 1, code, retry: "never" }]);
      expect([board.status, board.state, board.error?.code]).toEqual(["ended", EMPTY, code]);
      await reconnect(made);
      expect([board.status, server.now.all("open")]).toEqual(["ended", []]);
    },
  );

  test("ended with a retry: waits as told, then opens again from the position held", async () => {
    const { server, board, platform } = await following();
    server.now.send(["ended", { s: 1, code: "overloaded", retry: "after", afterMs: 700 }]);
    expect(board.status).toBe("stale");
    await platform.advance(600);
    expect(server.now.all("open").length).toBe(1);
    await platform.advance(200);
    expect(server.now.last("open")[1]).toEqual({ s: 2, doc: "board/b", at: [[1, 1, ""]] });
    expect(server.connections.length).toBe(1);
  });
});
