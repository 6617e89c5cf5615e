import { server } from "@tidemark/client/http";
import { expect, it } from "vitest";
import { cut, LANDED, ok, problem, refusal, World } from "./world.js";

const asked = (world: World): unknown[] =>
  world.requests.map(({ method, url, body }) => [
    `${method} ${url.replace("https://tide.example", "")}`,
    ...(body === undefined ? [] : [JSON.parse(body)]),
  ]);

it("messages and queries go where their names say", async () => {
  const world = new World(ok({ ...LANDED, result: { id: "x" } }), ok({ result: 2 }), ok(LANDED));
  const board = world.tide.call("board", "a");
  const sent = board.add({ text: "hi" }, { ifSeq: 2 });
  expect(await world.outcome(sent)).toEqual({ value: { id: "x" } });
  expect(await world.outcome(sent.receipt)).toEqual({ value: { epoch: 7, seq: 3, n: 1 } });
  expect(await world.outcome(board.count())).toEqual({ value: 2 });
  expect(await world.outcome(board.clear())).toEqual({ value: undefined });
  expect(asked(world)).toEqual([
    ["POST /v1/docs/board/a/add", { text: "hi" }],
    ["POST /v1/docs/board/a/count", null],
    ["POST /v1/docs/board/a/clear", null],
  ]);
  expect(world.sent("If-Match")).toEqual(['"2"', undefined, undefined]);
});

it("documents are made, read, listed and deleted", async () => {
  const entries = [{ epoch: 7, seq: 1, at: 5, patch: [], events: [] }];
  const state = { title: "t", cards: {}, order: [] };
  const world = new World(ok(LANDED), ok({ state, epoch: 7, seq: 3 }), ok({ keys: ["a"], next: "a" }), ok({ entries }));
  const { tide } = world;
  expect(await world.outcome(tide.create("board", "a", { title: "t" }))).toEqual({ value: { epoch: 7, seq: 3 } });
  expect(await world.outcome(tide.get("board", "a", { params: { of: "x" }, seq: 3 }))).toEqual({
    value: { state, at: { epoch: 7, seq: 3 } },
  });
  expect(await world.outcome(tide.list("board", { after: "0", limit: 1 }))).toEqual({
    value: { keys: ["a"], next: "a" },
  });
  expect(await world.outcome(tide.history("board", "a", { after: 0 }))).toEqual({ value: entries });
  expect(await world.outcome(tide.delete("board", "a"))).toEqual({ value: undefined });
  expect(asked(world)).toEqual([
    ["POST /v1/docs/board/a", { title: "t" }],
    ["GET /v1/docs/board/a?params=%7B%22of%22%3A%22x%22%7D&seq=3"],
    ["GET /v1/docs/board?after=0&limit=1"],
    ["GET /v1/docs/board/a/history?after=0"],
    ["DELETE /v1/docs/board/a"],
  ]);
  const keys = world.sent("Idempotency-Key").map((key) => key !== undefined);
  expect(keys).toEqual([true, false, false, false, true]);
});

it("[R8] what only reads is repeated too, and was never applied", async () => {
  const world = new World(cut(), ok({ keys: [] }));
  expect(await world.outcome(world.tide.list("board"))).toEqual({ value: { keys: [], next: undefined } });
  world.otherwise = cut();
  expect(await world.outcome(world.tide.get("board", "a"))).toMatchObject(refusal("deadline_exceeded", "rejected"));
});

it("tokens are asked for and withdrawn", async () => {
  const none = { status: 204, retryAfter: null, text: "" };
  const world = new World(ok({ token: "tmc_1", useBefore: 1, expiresAt: 2 }), ok({ token: "tmc_2" }), none);
  const grants = [{ doc: "channel/dogs", may: ["open"] }] as const;
  expect(await world.outcome(world.tide.token({ sub: "ann", grants }))).toEqual({ value: "tmc_1" });
  const long = world.tide.token({ sub: "ann", ttlSeconds: 60, withinSeconds: 5, claims: { of: "x" } });
  expect(await world.outcome(long)).toEqual({ value: "tmc_2" });
  expect(await world.outcome(world.tide.revoke({ sub: "ann" }))).toEqual({ value: undefined });
  expect(asked(world)).toEqual([
    ["POST /v1/connect-tokens", { sub: "ann", grants, sessionSeconds: 300 }],
    ["POST /v1/connect-tokens", { sub: "ann", sessionSeconds: 60, withinSeconds: 5, claims: { of: "x" } }],
    ["POST /v1/revocations", { sub: "ann" }],
  ]);
  for (const ttlSeconds of [0, -1, 86_401, Number.NaN]) {
    const wrong = await world.outcome(world.tide.token({ sub: "ann", ttlSeconds }));
    expect(wrong).toMatchObject(refusal("invalid_input", "rejected", { data: [{ path: "/ttlSeconds" }] }));
  }
});

it("no name leads to another address", async () => {
  const world = new World();
  for (const name of ["..", ".", "", "a/b", "a?b", "ä"]) {
    expect(await world.outcome(world.tide.publish(name, "e", 1))).toMatchObject(refusal("invalid_key", "rejected"));
    const batch = [{ channel: name, event: "e", data: 1 }];
    expect(await world.outcome(world.tide.publish(batch))).toMatchObject(refusal("invalid_key", "rejected"));
    expect(await world.outcome(world.tide.get("board", name))).toMatchObject(refusal("invalid_key", "rejected"));
  }
  const board: { readonly [name: string]: ((input: unknown) => Promise<unknown>) | undefined } = Object(
    world.tide.call("board", "a"),
  );
  for (const name of ["..", ".", ""]) {
    expect(await world.outcome(Promise.resolve(board[name]?.(1)))).toMatchObject(
      refusal("unknown_message", "rejected"),
    );
  }
  expect(world.requests).toEqual([]);
  await world.outcome(Promise.resolve(board["a/../b?c#d"]?.(1)));
  expect(asked(world)).toEqual([["POST /v1/docs/board/a/a%2F..%2Fb%3Fc%23d", 1]]);
});

it("what is not JSON is refused before anything is sent, with its path", async () => {
  const world = new World();
  const outcome = await world.outcome(world.tide.publish("dogs", "bark", { at: Number.NaN }));
  expect(outcome).toMatchObject(refusal("invalid_input", "rejected"));
  expect(JSON.stringify(outcome)).toContain("/data/at");
  expect(world.requests).toEqual([]);
});

it("[R8] an answer without its form is not taken for a failure", async () => {
  const world = new World(ok([]), ok({ outcomes: [1] }), ok({}));
  const { tide } = world;
  expect(await world.outcome(tide.call("board", "a").clear())).toMatchObject(refusal("protocol_error", "unknown"));
  const batch = [{ channel: "dogs", event: "e", data: 1 }];
  expect(await world.outcome(tide.publish(batch))).toMatchObject(refusal("protocol_error", "unknown"));
  expect(await world.outcome(tide.token({ sub: "ann" }))).toMatchObject(refusal("protocol_error", "unknown"));
});

it("says what is wrong with its options", () => {
  for (const url of ["https://a", "http://a:1/tide/", "wss://a", "ws://a"]) server({ url, key: "tmk_1" });
  for (const url of ["", "a", "ftp://a", "/v1"]) expect(() => server({ url, key: "tmk_1" })).toThrow(TypeError);
  for (const key of ["", "a b", "a\nb", "ä"]) expect(() => server({ url: "https://a", key })).toThrow(/`key`/);
});

it("a problem of a kind that this version does not know is no success", async () => {
  const world = new World(problem(418, { code: "teapot" }));
  expect(await world.outcome(world.tide.publish("dogs", "bark", null))).toMatchObject(
    refusal("protocol_error", "rejected"),
  );
});
