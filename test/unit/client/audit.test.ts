import type { Json } from "@tidemark/protocol";
import { expect, test } from "vitest";
import { CLIENT_LIMITS } from "../../../clients/typescript/src/limits.js";
import { delta, HANDLE } from "../../support/fake-server.js";
import { EMPTY, following, hear, type World, world } from "./world.js";

const title = (text: string) => ["=", "/title", text] as const;

/** Answers the newest question of what the document is. */
async function shows({ server }: World, state: Json, at: readonly [epoch: number, seq: number]): Promise<void> {
  server.now.send(["ok", server.now.last("c")[1], null, { state, at }]);
  await server.settle();
}

test("[R13] says that both hold the same, whatever the order of keys, and where", async () => {
  const made = await following();
  const audit = hear(made.board.audit());
  await made.server.settle();
  expect(made.server.now.last("c")).toMatchObject(["c", 1, "$", "get", { doc: "board/b" }, { q: 1 }]);
  await shows(made, { order: [], cards: {}, title: "" }, [1, 1]);
  expect(audit.answer).toEqual({ at: { epoch: 1, seq: 1 }, equal: true });
  expect([made.board.status, made.server.now.all("open").length]).toEqual(["live", 1]);
});

test("[R13] [SEQ-5] another state at the same position is healed by a snapshot, counted, and told", async () => {
  const made = await following();
  const { server, board, tide } = made;
  const told: unknown[] = [];
  board.onStatus((status) => told.push(status));
  board.subscribe((state, change) => change.cause === "reset" && told.push([change.reason, state.title]));
  const audit = hear(board.audit());
  await server.settle();
  await shows(made, { ...EMPTY, title: "true" }, [1, 1]);
  expect([audit.answer, told]).toEqual([{ at: { epoch: 1, seq: 1 }, equal: false }, ["stale"]]);
  expect(server.now.last("open")[1].at).toEqual([[1, 1, "!"]]);
  expect(tide.stats.healed.audit).toBe(0);
  server.now.reset({ ...EMPTY, title: "true" });
  expect([told, tide.stats.healed.audit]).toEqual([["stale", ["diverged", "true"], "live"], 1]);
});

test("compares the view that was opened: both layers, with its parameters", async () => {
  const made = world();
  const { server, tide } = made;
  const board = tide.open("board", "b", { params: { search: "x" } });
  await server.settle();
  server.now.send(
    ["opened", { s: 1, h: [7, 8], mode: ["reset", "reset"], prev: [1, 1], tag: ["s", "m"] }],
    ["snap", 7, 1, 1, EMPTY],
    ["snap", 8, 1, 1, { drafts: {} }],
  );
  const audit = hear(board.audit());
  await server.settle();
  expect(server.now.last("c")[4]).toEqual({ doc: "board/b", params: { search: "x" } });
  await shows(made, { ...EMPTY, mine: { drafts: {} } }, [1, 1]);
  expect(audit.answer).toMatchObject({ equal: true });
});

test("an answer that is ahead of the stream waits for what is right behind it", async () => {
  const made = await following();
  const audit = hear(made.board.audit());
  await made.server.settle();
  await shows(made, { ...EMPTY, title: "b" }, [1, 3]);
  expect(audit.pending).toBe(true);
  made.server.now.send(delta(1, 2, [title("a")]), delta(2, 3, [title("b")]));
  await made.server.settle();
  expect(audit.answer).toEqual({ at: { epoch: 1, seq: 3 }, equal: true });
});

test("what has moved on is looked at again, and what never holds still is not judged", async () => {
  const made = await following();
  const { server, board, platform } = made;
  const audit = hear(board.audit());
  for (let seq = 1; seq <= 1 + CLIENT_LIMITS.auditRetries; seq++) {
    await server.settle();
    expect([server.now.calls.length, audit.pending]).toEqual([seq, true]);
    server.now.send(delta(seq, seq + 1, [title(`${seq}`)]));
    await shows(made, { ...EMPTY, title: "of the past" }, [1, seq]);
    await platform.advance(5_000);
    server.now.send(["ping", seq, [HANDLE, 1, seq + 1]]);
    await server.settle();
    server.now.send(["pong", server.now.last("ping")[1], []]);
  }
  expect(audit.answer).toEqual({ at: { epoch: 1, seq: 1 + CLIENT_LIMITS.auditRetries }, equal: undefined });
  expect([board.status, server.now.all("open").length]).toEqual(["live", 1]);
});

test("nothing is compared with a state of another epoch, nor while the document is not live", async () => {
  const made = await following();
  const { server, board } = made;
  const audit = hear(board.audit());
  await server.settle();
  await shows(made, { ...EMPTY, title: "elsewhere" }, [2, 1]);
  expect([audit.pending, board.status]).toEqual([true, "live"]);
});

test("rejects when nobody follows it any more, or the server does not say", async () => {
  const { server, board, platform } = await following();
  const refused = hear(board.audit());
  const unanswered = hear(board.audit());
  await server.settle();
  server.now.send(["no", 1, "denied", "", { retry: "never", fault: "caller" }]);
  await server.settle();
  expect(refused.answer).toMatchObject({ code: "denied" });
  await platform.advance(31_000);
  expect(unanswered.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
  board.close();
  await platform.advance(5_000);
  const closed = hear(board.audit());
  await server.settle();
  expect(closed.answer).toMatchObject({ code: "closed" });
});
