import { type Json, LIMITS, type Opened, type ServerMessage, type WireEvent } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLIENT_LIMITS } from "../../../clients/typescript/src/limits.js";
import { type FakeConnection, HANDLE, type PartsMessages } from "../../support/fake-server.js";
import { EMPTY, following, hear, listen, reconnect, type World, world } from "./world.js";

const LARGE = {
  ...EMPTY,
  title: "größer als ein Teil 🌊🌊",
  cards: { a: { text: "aé€🌊" }, b: { text: "x".repeat(99) } },
};
const title = (text: string): ["=", string, string] => ["=", "/title", text];
const event = (seq: number): WireEvent => [seq, 0, "added", { id: `e${seq}` }];

/** The `opened` of a reset, for the newest `open`. */
function opened({ server }: World, fields: Partial<Opened> = {}): ServerMessage {
  const { s } = server.now.last("open")[1];
  return ["opened", { s, h: [HANDLE], mode: ["reset"], prev: [9], tag: [""], ...fields }];
}

/** Sends each message in a frame of its own. */
function each(connection: FakeConnection, messages: readonly ServerMessage[]): void {
  for (const message of messages) connection.send(message);
}

describe.each(["json", "msgpack"] as const)("%s", (codec) => {
  test("[PART-1] [SEQ-9] a state in parts is shown with its last part, while others and heartbeats go on in between", async () => {
    const made = world({ codec });
    const { server, tide } = made;
    const other = tide.open("board", "other");
    await server.settle();
    server.now.reset(EMPTY, { handle: 3 });
    const board = tide.open("board", "b");
    const told = listen(board);
    await server.settle();
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    server.now.send(opened(made), snap);
    for (const [index, part] of parts.entries()) {
      expect([board.status, board.state, told.what]).toEqual(["connecting", undefined, []]);
      server.now.send(["d", 3, index + 1, index + 2, [title(`${index}`)]], ["ping", index, [3, 1, index + 2]], part);
    }
    expect(parts.length).toBeGreaterThan(4);
    expect([board.status, board.state, board.position]).toEqual(["live", LARGE, { epoch: 1, seq: 9 }]);
    expect([told.what, other.state?.title]).toEqual([[["first", LARGE.title, 9]], `${parts.length - 1}`]);
    await server.settle();
    expect(server.now.all("pong").slice(0, -1)).toEqual(parts.slice(0, -1).map((_, k) => ["pong", k, [3, 1, k + 2]]));
    expect(tide.stats.firstPayloads.count).toBe(2);
  });

  test("[SEQ-9] [EVENT-2] what comes meanwhile is held back, and follows the state and the events that were missed", async () => {
    const made = await following({ codec });
    const { server, board, platform } = made;
    const told = listen(board);
    await reconnect(made);
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    server.now.send(opened(made, { events: [event(3), event(9)] }), snap);
    server.now.send(["d", HANDLE, 9, 10, [title("ten")], { ev: [event(10)] }]);
    each(server.now, parts.slice(0, -1));
    server.now.send(["d", HANDLE, 10, 12, [["~", "/title", "!"]]], ["d", HANDLE, 12, 13, [], { e: 1 }]);
    expect([board.status, told.what, board.position?.seq]).toEqual(["stale", [["first", "", 1]], 1]);
    each(server.now, parts.slice(-1));
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "ten!", 13],
      ["added", "e3", 3],
      ["added", "e9", 9],
      ["added", "e10", 10],
    ]);
    expect([board.status, board.state, platform.reported]).toEqual(["live", { ...LARGE, title: "ten!" }, []]);
  });

  test("[SEQ-9] [EVENT-2] a cut with parts under way leaves everything where it was: nothing is shown twice or lost", async () => {
    const made = await following({ codec });
    const { server, board } = made;
    const told = listen(board);
    await reconnect(made);
    const events = [event(3)];
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    server.now.send(opened(made, { events }), snap, ["d", HANDLE, 9, 10, [title("ten")], { ev: [event(10)] }]);
    each(server.now, parts.slice(0, -1));
    await reconnect(made);
    expect([board.status, board.state, server.now.last("open")[1].at]).toEqual(["stale", EMPTY, [[1, 1, ""]]]);
    server.now.send(opened(made, { events: [...events, event(10)] }));
    each(server.now, server.now.parts({ ...LARGE, title: "ten" }, { epoch: 1, seq: 10 }));
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "ten", 10],
      ["added", "e3", 3],
      ["added", "e10", 10],
    ]);
  });

  test("[OPEN-7] [OPEN-6] closed and opened again with parts under way: those of the first are not taken for the second's", async () => {
    const made = world({ codec });
    const { server, tide, platform } = made;
    const first = tide.open("board", "b");
    await server.settle();
    const old = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    each(server.now, [opened(made), ...old.slice(0, 3)]);
    first.close();
    await platform.advance(CLIENT_LIMITS.lingerMs);
    const again = tide.open("board", "b");
    await server.settle();
    each(server.now, old.slice(3, 5));
    const fresh = server.now.parts({ ...LARGE, title: "fresh" }, { epoch: 1, seq: 10 });
    each(server.now, [opened(made), ...fresh]);
    expect([again.status, again.state?.title, first.status, first.state]).toEqual([
      "live",
      "fresh",
      "closed",
      undefined,
    ]);
    expect([server.now.all("open").length, server.now.all("close"), platform.reported]).toEqual([
      2,
      [["close", 1]],
      [],
    ]);
  });

  const wrong: [string, (messages: PartsMessages) => readonly ServerMessage[]][] = [
    ["out of order", ([snap, first, second, ...rest]) => [snap, ...both(second, first), ...rest]],
    ["twice", ([snap, first, ...rest]) => [snap, ...both(first, first), ...rest]],
    ["not from the beginning", ([snap, , ...rest]) => [snap, ...rest]],
    ["without a snap", ([, ...parts]) => parts],
    ["announced twice", ([snap, ...parts]) => [snap, snap, ...parts]],
    ["announced, and then a whole one", ([snap]) => [snap, ["snap", HANDLE, 1, 9, EMPTY]]],
    ["shorter than announced", (messages) => announced(messages, ({ bytes, parts }) => ({ bytes: bytes + 1, parts }))],
    ["longer than announced", (messages) => announced(messages, ({ bytes, parts }) => ({ bytes: bytes - 1, parts }))],
    ["longer already", (messages) => announced(messages, ({ parts }) => ({ bytes: 20, parts })).slice(0, 3)],
    ["fewer than they need be", (messages) => announced(messages, ({ bytes, parts }) => ({ bytes, parts: parts - 1 }))],
    ["no value", ([snap, ...parts]) => announced([snap, ...parts.slice(0, -1)], cutShort(codec, parts))],
    ["too much for any client", ([, first]) => enormous(first)],
  ];
  test.each(wrong)(
    "[SEQ-9] [SEQ-5] parts that are %s are a gap: healed by a snapshot, and counted",
    async (_what, make) => {
      const made = await following({ codec });
      const { server, board, tide, platform } = made;
      await reconnect(made);
      server.now.send(opened(made));
      each(server.now, make(server.now.parts(LARGE, { epoch: 1, seq: 9 })));
      await server.settle();
      expect([board.status, board.state, board.position?.seq]).toEqual(["stale", EMPTY, 1]);
      expect(server.now.last("open")[1]).toMatchObject({ s: 3, at: [[1, 1, "!"]] });
      expect(server.now.all("close")).toEqual([["close", 2]]);
      each(server.now, [opened(made), ...server.now.parts(LARGE, { epoch: 1, seq: 9 })]);
      expect([board.status, board.state, tide.stats.healed.gap]).toEqual(["live", LARGE, 1]);
      expect([server.connections.length, platform.reported]).toEqual([2, []]);
    },
  );

  test("[PART-1] [SEQ-7] any state, cut anywhere, is the state again", async () => {
    const text = fc.string({ unit: "binary", maxLength: 30 });
    const states = fc.dictionary(text, fc.jsonValue({ stringUnit: "grapheme" }));
    const property = fc.asyncProperty(states, fc.integer({ min: 4, max: 40 }), async (value, sliceBytes) => {
      const state: Json = JSON.parse(JSON.stringify(value));
      fc.pre(!JSON.stringify(state).includes("__proto__"));
      const made = world({ codec });
      const board = made.tide.open("board", "b");
      await made.server.settle();
      each(made.server.now, [opened(made), ...made.server.now.parts(state, { epoch: 1, seq: 9, sliceBytes })]);
      expect([board.status, board.state]).toEqual(["live", state]);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});

describe("parts", () => {
  test("[SEQ-9] [VIEW-3] a layer that resumes beside one in parts waits for it; nothing of it is claimed before", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    const layers = { h: [7, 8], tag: ["shared", "mine"] };
    server.now.send(opened(made, { ...layers, mode: ["reset", "reset"], prev: [1, 1] }));
    server.now.send(["snap", 7, 1, 1, EMPTY], ["snap", 8, 1, 1, {}]);
    const states: unknown[] = [];
    board.subscribe((state) => states.push([state.title, Reflect.get(state, "mine")]));
    const [snap, ...parts] = server.now.parts({ drafts: "d".repeat(99) }, { epoch: 1, seq: 2, handle: 8 });
    server.now.send(opened(made, { ...layers, mode: ["resume", "reset"], prev: [1, 2] }), snap);
    server.now.send(["d", 7, 1, 2, [title("two")]]);
    each(server.now, parts.slice(0, 2));
    await reconnect(made);
    expect(server.now.last("open")[1].at).toEqual([
      [1, 1, "shared"],
      [1, 1, "mine"],
    ]);
    server.now.send(opened(made, { ...layers, mode: ["resume", "reset"], prev: [1, 2] }), snap);
    server.now.send(["d", 7, 1, 2, [title("two")]]);
    each(server.now, parts);
    expect(states).toEqual([
      ["", {}],
      ["two", { drafts: "d".repeat(99) }],
    ]);
  });

  test("[SEQ-9] both layers in parts, interleaved, are shown together", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    const [mine, ...slices] = server.now.parts({ drafts: "d".repeat(99) }, { epoch: 1, seq: 4, handle: 8 });
    server.now.send(
      opened(made, { h: [HANDLE, 8], mode: ["reset", "reset"], prev: [9, 4], tag: ["s", "m"] }),
      snap,
      mine,
    );
    for (let index = 0; index < Math.max(parts.length, slices.length); index++) {
      expect(board.state).toBeUndefined();
      each(server.now, [...parts.slice(index, index + 1), ...slices.slice(index, index + 1)]);
    }
    expect(board.state).toEqual({ ...LARGE, mine: { drafts: "d".repeat(99) } });
  });

  test("[SEQ-9] a reset that replaces one in parts begins anew, with its own events", async () => {
    const made = await following();
    const { server, board } = made;
    const told = listen(board);
    server.now.send(opened(made, { events: [event(5)] }));
    each(server.now, server.now.parts(LARGE, { epoch: 1, seq: 9 }).slice(0, 4));
    server.now.send(["d", HANDLE, 9, 11, [title("never")]]);
    server.now.send(opened(made, { events: [event(5), event(12)] }));
    each(server.now, server.now.parts({ ...LARGE, title: "twelve" }, { epoch: 1, seq: 12 }));
    expect(told.what).toEqual([
      ["first", "", 1],
      ["reset", "twelve", 12],
      ["added", "e5", 5],
      ["added", "e12", 12],
    ]);
  });

  test("[SEQ-9] [SEQ-2] a layer that such a reset resumes must go on from what is held, not from what was held back", async () => {
    const made = world();
    const { server, tide } = made;
    const board = tide.open("board", "b");
    await server.settle();
    const layers = { h: [7, 8], tag: ["shared", "mine"] };
    server.now.send(opened(made, { ...layers, mode: ["reset", "reset"], prev: [1, 1] }));
    server.now.send(["snap", 7, 1, 1, EMPTY], ["snap", 8, 1, 1, {}]);
    await reconnect(made);
    const [snap, first] = server.now.parts({ drafts: "d".repeat(99) }, { epoch: 1, seq: 2, handle: 8 });
    server.now.send(opened(made, { ...layers, mode: ["resume", "reset"], prev: [1, 2] }), snap);
    if (first !== undefined) server.now.send(["d", 7, 1, 2, [title("two")]], first);
    server.now.send(opened(made, { ...layers, mode: ["resume", "reset"], prev: [2, 3] }));
    await server.settle();
    expect([board.status, server.now.last("open")[1].at]).toEqual([
      "stale",
      [
        [1, 1, "!"],
        [1, 1, "!"],
      ],
    ]);
  });

  test("an answer waits with the state that shows it", async () => {
    const made = await following();
    const { server, board } = made;
    await reconnect(made);
    const [snap, ...parts] = server.now.parts({ ...LARGE, title: "mine" }, { epoch: 1, seq: 9 });
    server.now.send(opened(made), snap);
    const sent = hear(board.send.clear());
    await server.settle();
    server.now.ok(1, 9);
    each(server.now, parts.slice(0, -1));
    await server.settle();
    expect(sent.pending).toBe(true);
    each(server.now, parts.slice(-1));
    await server.settle();
    expect([sent.pending, board.state?.title]).toEqual([false, "mine"]);
  });

  test("the deadline of the first payload is for each part: a slow line is waited for, a silent one is not", async () => {
    const made = world();
    const { server, tide, platform } = made;
    const board = tide.open("board", "b");
    await server.settle();
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    server.now.send(opened(made), snap);
    for (const part of parts.slice(0, -1)) {
      await platform.advance(LIMITS.firstPayloadMs - 1_000);
      server.now.send(part);
    }
    expect([server.now.all("open").length, tide.stats.late, server.connections.length]).toEqual([1, 0, 1]);
    await platform.advance(LIMITS.firstPayloadMs + 100);
    expect([server.now.all("open").length, tide.stats.late, board.status]).toEqual([2, 1, "connecting"]);
  });

  test("[HEAD-3] heads are not compared while parts are under way, and being left out of them is no absence", async () => {
    const made = await following();
    const { server, board, platform } = made;
    await reconnect(made);
    const [snap, ...parts] = server.now.parts(LARGE, { epoch: 1, seq: 9 });
    server.now.send(opened(made), snap);
    for (let round = 0; round < 4; round++) {
      await platform.advance(8_000);
      server.now.send(["ping", round, []], ...parts.slice(round, round + 1));
      await server.settle();
      expect(server.now.last("pong")).toEqual(["pong", round, []]);
      server.now.send(["pong", server.now.last("ping")[1], []]);
    }
    each(server.now, parts.slice(4));
    expect([board.status, server.now.all("open").length, made.tide.stats.absent]).toEqual(["live", 1, 0]);
  });
});

function both(...messages: readonly (ServerMessage | undefined)[]): readonly ServerMessage[] {
  return messages.filter((message) => message !== undefined);
}

type Announced = { readonly bytes: number; readonly parts: number };

function announced([snap, ...parts]: PartsMessages, change: (announced: Announced) => Announced): ServerMessage[] {
  const [type, handle, epoch, seq] = snap;
  const fields = snap[5] ?? { bytes: 0, parts: 0 };
  return [[type, handle, epoch, seq, null, change(fields)], ...parts];
}

/** All but the last of the parts, announced as if they were all. */
function cutShort(codec: "json" | "msgpack", parts: readonly ServerMessage[]): (announced: Announced) => Announced {
  const last = parts.at(-1)?.[3];
  const bytes = last instanceof Uint8Array ? last.length : Buffer.byteLength(String(last));
  expect(last instanceof Uint8Array).toBe(codec === "msgpack");
  return (before) => ({ bytes: before.bytes - bytes, parts: before.parts - 1 });
}

/** More than a client takes, and more to come. */
function enormous(part: PartsMessages[1] | undefined): readonly ServerMessage[] {
  const bytes = CLIENT_LIMITS.frameBytesMax - 1_000;
  const slice = part?.[3] instanceof Uint8Array ? new Uint8Array(bytes) : "x".repeat(bytes);
  return [
    ["snap", HANDLE, 1, 9, null, { bytes: 3 * bytes, parts: 3 }],
    ["part", HANDLE, 0, slice],
    ["part", HANDLE, 1, slice],
  ];
}
