import type { ServerMessage, WireEvent } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, HANDLE } from "../../support/fake-server.js";
import { EMPTY, following, listen, reconnect, world } from "./world.js";

describe("resets", () => {
  test("[SEQ-6] are diffed locally: the same listeners, one change with its patch, equal subtrees ===", async () => {
    const made = await following();
    const { server, board } = made;
    server.now.send(
      delta(1, 2, [
        ["+", "/cards/a", { text: "a" }],
        ["+", "/cards/b", { text: "b" }],
      ]),
    );
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
    expect(calls).toEqual([
      ["added", "a", "a"],
      ["added", "b", "b"],
      ["removed", "b"],
      ["added", "c", "c"],
    ]);
    expect(patches).toEqual([
      [
        { op: "remove", path: "/cards/b" },
        { op: "add", path: "/cards/c", value: { text: "c" } },
      ],
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
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "x", 4],
      ["added", "e", 3],
    ]);
  });

  test("[EVENT-2] an event that was missed has the epoch of the position, not of what last changed the state", async () => {
    const made = await following();
    const { server, board } = made;
    const at: unknown[] = [];
    board.on("added", (_data, position) => at.push(position));
    await reconnect(made);
    const { s } = server.now.last("open")[1];
    const events: readonly WireEvent[] = [[3, 0, "added", { id: "e" }]];
    server.now.send(
      ["opened", { s, h: [HANDLE], mode: ["reset"], prev: [1], tag: [""], events }],
      ["snap", HANDLE, 1, 1, EMPTY],
      ["d", HANDLE, 1, 4, [], { e: 2 }],
    );
    expect(board.position).toEqual({ epoch: 2, seq: 4 });
    expect(at).toEqual([{ epoch: 2, seq: 3 }]);
  });

  test("[EVENT-2] say that events are lost", async () => {
    const made = await following();
    const told = listen(made.board);
    await reconnect(made);
    made.server.now.reset({ ...EMPTY, title: "x" }, { seq: 40, gap: true });
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "x", 40],
      ["gap", { from: 1, to: 40 }],
    ]);
  });

  test.each([
    ["goes on from an older state, past what was held", { seq: 60, epoch: 2 }],
    ["is behind what was held", { seq: 20, epoch: 2 }],
    ["is at the seq that was held", { seq: 41, epoch: 2 }],
  ])("[EVENT-2] [SEQ-4] of a restored history that %s no event is known to have been seen", async (_what, at) => {
    const made = await following();
    made.server.now.send(delta(1, 41, [["=", "/title", "old"]]));
    const told: unknown[] = [];
    made.board.subscribe((_state, change) => told.push(change.cause === "reset" ? change.reason : change.cause));
    made.board.on("gap", (gap) => told.push(gap));
    await reconnect(made);
    made.server.now.reset(EMPTY, { ...at, gap: true });
    expect(told).toEqual(["first", "other_history", { from: 0, to: at.seq }]);
    expect(made.tide.stats.resets).toMatchObject({ other_history: 1, behind: 0 });
  });

  test("[SEQ-4] a restart alone is no other history: what is held is gone on from, under the new epoch", async () => {
    const made = await following();
    const { server, board, tide } = made;
    const told = listen(board);
    await reconnect(made);
    server.now.resume(1, delta(1, 2, [["=", "/title", "a"]], { e: 9, ev: [[2, 0, "added", { id: "x" }]] }));
    expect(board.position).toEqual({ epoch: 9, seq: 2 });
    expect(told.what).toEqual([
      ["first", "", 1],
      ["delta", "a", 2],
      ["added", "x", 2],
    ]);
    expect(Object.values(tide.stats.resets)).toEqual([0, 0, 0, 0, 0]);
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
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "x", 2],
      ["added", "e", 2],
    ]);
  });

  test.each([
    ["behind", { seq: 9 }],
    ["behind", { seq: 9, epoch: 2 }],
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

  test("[SEQ-3] a snapshot may bear an older seq than was held: the advance behind it tells where the client is", async () => {
    const made = await following();
    const { server, board } = made;
    server.now.send(delta(1, 10, [], { e: 1 }));
    const told: unknown[] = [];
    board.subscribe((_state, change) => told.push(change.cause === "reset" ? change.reason : change.cause));
    board.on("gap", (gap) => told.push(gap));
    await reconnect(made);
    const { s } = server.now.last("open")[1];
    server.now.send(
      ["opened", { s, h: [HANDLE], mode: ["reset"], prev: [1], tag: [""], gap: true }],
      ["snap", HANDLE, 1, 1, EMPTY],
      delta(1, 12, [], { e: 1 }),
    );
    expect(told).toEqual(["first", "behind", { from: 10, to: 12 }]);
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
        [
          { op: "replace", path: "/title", value: "x" },
          { op: "add", path: "/mine/drafts/d", value: 1 },
        ],
      ],
    ]);
  });

  test("[SEQ-9] one may resume while the other is reset, and a cut in between leaves each where it is", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    server.now.send(opened(1, ["reset", "reset"], [1, 1]), ["snap", 7, 1, 1, EMPTY], ["snap", 8, 1, 1, { drafts: {} }]);
    server.now.send(opened(1, ["resume", "reset"], [1, 2]), ["d", 7, 1, 2, [["=", "/title", "x"]]]);
    expect([board.status, board.state]).toEqual(["stale", { ...EMPTY, mine: { drafts: {} } }]);
    await reconnect(made);
    expect(board.state).toEqual({ ...EMPTY, mine: { drafts: {} } });
    expect(server.now.last("open")[1].at).toEqual([
      [1, 1, "shared"],
      [1, 1, "mine"],
    ]);
    const { s } = server.now.last("open")[1];
    server.now.send(
      opened(s, ["resume", "reset"], [1, 2]),
      ["d", 7, 1, 2, [["=", "/title", "x"]]],
      ["snap", 8, 1, 2, { drafts: { d: 1 } }],
    );
    expect([board.status, board.state]).toEqual(["live", { ...EMPTY, title: "x", mine: { drafts: { d: 1 } } }]);
  });

  test("[EVENT-1] [EVENT-2] what comes for one while the snapshot of the other is awaited follows what was missed", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    server.now.send(opened(1, ["reset", "reset"], [1, 1]), ["snap", 7, 1, 1, EMPTY], ["snap", 8, 1, 1, {}]);
    const told: unknown[] = [];
    board.subscribe((state) => told.push(state.title));
    board.on("added", ({ id }, { seq }) => told.push([id, seq]));
    await reconnect(made);
    const { s } = server.now.last("open")[1];
    const event = (seq: number): WireEvent => [seq, 0, "added", { id: `e${seq}` }];
    const [, fields] = opened(s, ["reset", "reset"], [3, 3]);
    server.now.send(["opened", { ...Object(fields), events: [event(2), event(3)] }], ["snap", 7, 1, 3, EMPTY]);
    server.now.send(["d", 7, 3, 4, [["=", "/title", "x"]], { ev: [event(4)] }]);
    server.now.send(["ping", 1, []]);
    expect(told).toEqual([""]);
    server.now.send(["snap", 8, 1, 3, {}], ["d", 7, 4, 5, [], { ev: [event(5)] }]);
    expect(told).toEqual(["", "x", ["e2", 2], ["e3", 3], ["e4", 4], ["e5", 5]]);
  });

  test("a gap in one is not shown half", async () => {
    const { server, tide } = world();
    const board = tide.open("board", "b");
    await server.settle();
    server.now.send(opened(1, ["reset", "reset"], [1, 1]), ["snap", 7, 1, 1, EMPTY], ["snap", 8, 1, 1, { drafts: {} }]);
    server.now.send(["d", 7, 1, 3, [["=", "/title", "x"]]], ["d", 8, 2, 3, [["+", "/drafts/d", 1]]]);
    await server.settle();
    expect(board.state).toEqual({ ...EMPTY, mine: { drafts: {} } });
    expect(server.now.last("open")[1].at).toEqual([
      [1, 3, "!"],
      [1, 1, "!"],
    ]);
  });
});
