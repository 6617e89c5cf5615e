import { CLOSE, type ServerMessage } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { type Board, EMPTY, following, reconnect, world } from "./world.js";

interface Told {
  readonly what: unknown[];
}

function listen(board: Board): Told {
  const what: unknown[] = [];
  board.subscribe((state, change) => what.push([change.cause, state.title, change.at.seq]));
  board.on("added", ({ id }, at) => what.push(["added", id, at.seq]));
  board.on("gap", (gap) => what.push(["gap", gap]));
  return { what };
}

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
      delta(2, 3, [title("b")], { ev: [[3, 0, "added", { id: "y" }], [3, 0, "added", { id: "z" }]] }),
    );
    expect(seen).toEqual([["x", 2, "b"], ["y", 3, "b"], ["z", 3, "b"]]);
  });

  test("[SEQ-3] a delta of events only is part of the chain", async () => {
    const { server, board } = await following();
    const told = listen(board);
    server.now.send(delta(1, 2, [], { ev: [[2, 0, "added", { id: "x" }]] }));
    server.now.send(delta(2, 3, [title("a")]));
    expect(told.what).toEqual([["first", "", 1], ["added", "x", 2], ["delta", "a", 3]]);
  });

  test("one frame is one notification, whatever it holds", async () => {
    const { server, board } = await following();
    const told = listen(board);
    server.now.send(...[1, 2, 3].map((seq) => delta(seq, seq + 1, [title(`${seq}`)])));
    expect(told.what).toEqual([["first", "", 1], ["delta", "3", 4]]);
  });

  test("all documents of a frame have moved before anybody is told", async () => {
    const { server, tide, board } = await following();
    const other = tide.open("board", "other");
    await server.settle();
    server.now.reset(EMPTY, { h: 8 });
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
      [[{ op: "replace", path: "/title", value: "a" }, { op: "replace", path: "/title", value: "ab" }], "ann"],
      [[{ op: "replace", path: "/title", value: "c" }, { op: "replace", path: "/title", value: "d" }], undefined],
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
    expect([board.status, told.what]).toEqual(["live", [["first", "", 1], ["delta", "a", 2]]]);
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

describe("resets", () => {
  test("[SEQ-6] are diffed locally: the same listeners, one change with its patch, equal subtrees ===", async () => {
    const made = await following();
    const { server, board } = made;
    server.now.send(delta(1, 2, [["+", "/cards/a", { text: "a" }], ["+", "/cards/b", { text: "b" }]]));
    const before = board.state;
    const calls: unknown[] = [];
    board.watch((state) => state.cards, {
      added: (card, id) => calls.push(["added", id, card.text]),
      changed: (card, id, previous) => calls.push(["changed", id, previous.text, card.text]),
      removed: (_card, id) => calls.push(["removed", id]),
    });
    const patches: unknown[] = [];
    board.subscribe((_state, change) => change.cause === "reset" && patches.push(change.patch, change.reason));
    await reconnect(made);
    server.now.reset({ ...EMPTY, cards: { a: { text: "a" }, c: { text: "c" } } }, { seq: 7 });
    expect(calls).toEqual([["added", "a", "a"], ["added", "b", "b"], ["removed", "b"], ["added", "c", "c"]]);
    expect(patches).toEqual([
      [{ op: "remove", path: "/cards/b" }, { op: "add", path: "/cards/c", value: { text: "c" } }],
      "behind",
    ]);
    expect(board.state?.cards.a).toBe(before?.cards.a);
    expect(board.state?.order).toBe(before?.order);
  });

  test("[SEQ-6] a reset to an equal state is the same object", async () => {
    const made = await following();
    const before = made.board.state;
    await reconnect(made);
    made.server.now.reset({ order: [], title: "", cards: {} }, { seq: 7 });
    expect(made.board.state).toBe(before);
    expect(made.board.position).toEqual({ epoch: 1, seq: 7 });
  });

  test("[EVENT-2] bring the events that were missed, after the state", async () => {
    const made = await following();
    const told = listen(made.board);
    await reconnect(made);
    made.server.now.reset({ ...EMPTY, title: "x" }, { seq: 4, events: [[3, 0, "added", { id: "e" }]] });
    expect(told.what).toEqual([["first", "", 1], ["reset", "x", 4], ["added", "e", 3]]);
  });

  test("[EVENT-2] say that events are lost", async () => {
    const made = await following();
    const told = listen(made.board);
    await reconnect(made);
    made.server.now.reset({ ...EMPTY, title: "x" }, { seq: 40, gap: true });
    expect(told.what).toEqual([["first", "", 1], ["reset", "x", 40], ["gap", { from: 1, to: 40 }]]);
  });

  test("[EVENT-2] events between opened and snap take effect with the snapshot: a cut in between shows none twice", async () => {
    const made = await following();
    const { server, board } = made;
    const told = listen(board);
    await reconnect(made);
    const events: [number, number, string, { id: string }][] = [[2, 0, "added", { id: "e" }]];
    const { s } = server.now.last("open")[1];
    server.now.send(["opened", { s, h: [HANDLE], mode: ["reset"], prev: [2], tag: [""], events }]);
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([[1, 1, ""]]);
    server.now.reset({ ...EMPTY, title: "x" }, { seq: 2, events });
    expect(told.what).toEqual([["first", "", 1], ["reset", "x", 2], ["added", "e", 2]]);
  });

  test.each([
    ["behind", { seq: 9 }],
    ["other_history", { seq: 1, epoch: 2 }],
    ["other_history", { seq: 0, epoch: 2 }],
    ["other_history", { seq: 9, epoch: 2, gap: true }],
    ["behind", { seq: 9, epoch: 1, gap: true }],
    ["view_changed", { seq: 9, tag: ["v2"] }],
  ])("a reset is told as %s (%o)", async (reason, at) => {
    const made = await following();
    const reasons: unknown[] = [];
    made.board.subscribe((_state, change) => change.cause === "reset" && reasons.push(change.reason));
    await reconnect(made);
    made.server.now.reset(EMPTY, at);
    expect(reasons).toEqual([reason]);
  });

  test("a reset on a running stream is told as slow_reader", async () => {
    const { server, board } = await following();
    const reasons: unknown[] = [];
    board.subscribe((_state, change) => change.cause === "reset" && reasons.push(change.reason));
    server.now.reset({ ...EMPTY, title: "x" }, { seq: 20 });
    expect([reasons, board.status]).toEqual([["slow_reader"], "live"]);
  });

  test.each([
    ["a snapshot nobody awaits", ["snap", HANDLE, 1, 9, EMPTY]],
    ["a snapshot that is no object", ["snap", HANDLE, 1, 9, [1]]],
  ] satisfies [string, ServerMessage][])("%s heals instead of replacing the state", async (_what, message) => {
    const { server, board } = await following();
    server.now.send(message);
    expect([board.state, board.status]).toEqual([EMPTY, "stale"]);
  });
});

describe("two layers", () => {
  const opened = (s: number, mode: ["resume" | "reset", "resume" | "reset"], prev: [number, number]): ServerMessage => [
    "opened",
    { s, h: [7, 8], mode, prev, tag: ["shared", "mine"] },
  ];

  test("make one state, told once per frame", async () => {
    const { server, tide } = world();
    const board = tide.open("board", "b");
    const told: unknown[] = [];
    board.subscribe((state, change) => told.push([change.cause, state, change.cause === "first" ? [] : change.patch]));
    await server.settle();
    server.now.send(opened(1, ["reset", "reset"], [1, 1]), ["snap", 7, 1, 1, EMPTY]);
    expect(board.state).toBeUndefined();
    server.now.send(["snap", 8, 1, 1, { drafts: {} }]);
    server.now.send(["d", 7, 1, 2, [["=", "/title", "x"]]], ["d", 8, 1, 2, [["+", "/drafts/d", 1]]]);
    expect(told).toEqual([
      ["first", { ...EMPTY, mine: { drafts: {} } }, []],
      [
        "delta",
        { ...EMPTY, title: "x", mine: { drafts: { d: 1 } } },
        [{ op: "replace", path: "/title", value: "x" }, { op: "add", path: "/mine/drafts/d", value: 1 }],
      ],
    ]);
  });

  test("one may resume while the other is reset, and a cut in between leaves each where it is", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    server.now.send(
      opened(1, ["reset", "reset"], [1, 1]),
      ["snap", 7, 1, 1, EMPTY],
      ["snap", 8, 1, 1, { drafts: {} }],
    );
    server.now.send(opened(1, ["resume", "reset"], [1, 2]), ["d", 7, 1, 2, [["=", "/title", "x"]]]);
    expect([board.status, board.state]).toEqual(["stale", { ...EMPTY, mine: { drafts: {} } }]);
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([[1, 2, "shared"], [1, 1, "mine"]]);
    const { s } = server.now.last("open")[1];
    server.now.send(opened(s, ["resume", "reset"], [2, 2]), ["snap", 8, 1, 2, { drafts: { d: 1 } }]);
    expect([board.status, board.state]).toEqual(["live", { ...EMPTY, title: "x", mine: { drafts: { d: 1 } } }]);
  });
});
