import { SomeRefusedError } from "@tidemark/client/http";
import { expect, it } from "vitest";
import { cut, LANDED, ok, problem, refusal, World } from "./world.js";

const BATCH = ["a", "b", "c"].map((event) => ({ channel: "dogs", event, data: { event } }));
const DENIED = { code: "denied", outcome: "rejected", detail: "no" };
const BUSY = { code: "overloaded", outcome: "rejected", retry: "after", afterMs: 100 };
const IN_DOUBT = { code: "commit_unknown", outcome: "unknown", retry: "reconnect" };
const RECEIPT = { epoch: 7, seq: 3 };

const publish = (world: World): Promise<unknown> => world.tide.publish(BATCH, { deadlineMs: 5_000 });

it("[R6] several messages are one request, and their answers come in their order", async () => {
  const world = new World(cut(), ok({ outcomes: [1, 2, 3].map((seq) => ({ result: null, epoch: 7, seq })) }));
  const receipts = [1, 2, 3].map((seq) => ({ epoch: 7, seq, n: seq }));
  expect(await world.outcome(publish(world))).toEqual({ value: receipts });
  expect(new Set(world.sent("Idempotency-Key")).size).toBe(1);
  const [{ url, body = "" } = { url: "" }] = world.requests;
  expect([url, JSON.parse(body)]).toEqual([
    "https://tide.example/v1/batch",
    { calls: BATCH.map(({ event, data }) => ({ doc: "channel/dogs", name: "publish", input: { event, data } })) },
  ]);
});

it("[R6] it is sent again while one of them may yet be published", async () => {
  const world = new World(ok({ outcomes: [LANDED, BUSY, LANDED] }), ok({ outcomes: [LANDED, LANDED, LANDED] }));
  expect(await world.outcome(publish(world))).toMatchObject({ value: [RECEIPT, RECEIPT, RECEIPT] });
  expect(new Set(world.sent("Idempotency-Key")).size).toBe(1);
  expect(world.requests).toHaveLength(2);
});

it("[R8] of those that were refused each is accounted for", async () => {
  const world = new World(ok({ outcomes: [LANDED, DENIED, LANDED] }));
  const outcome = await world.outcome(publish(world));
  expect(outcome).toMatchObject({ error: expect.any(SomeRefusedError) });
  const outcomes = [RECEIPT, { code: "denied", outcome: "rejected", message: "no" }, RECEIPT];
  expect(outcome).toMatchObject(refusal("denied", "unknown", { outcomes }));
  expect(outcome).toMatchObject({ error: { message: expect.stringContaining("2 of 3") } });
  expect(world.requests).toHaveLength(1);
});

it("[R8] only what is certain is said of each", async () => {
  const none = new World(ok({ outcomes: [DENIED, DENIED, DENIED] }));
  expect(await none.outcome(publish(none))).toMatchObject(refusal("denied", "rejected"));

  const doubt = new World();
  doubt.otherwise = ok({ outcomes: [DENIED, IN_DOUBT, LANDED] });
  const outcomes = [{ outcome: "rejected" }, { outcome: "unknown", code: "commit_unknown" }, RECEIPT];
  doubt.fates.push(doubt.otherwise);
  expect(await doubt.outcome(doubt.tide.publish(BATCH, { deadlineMs: 50 }))).toMatchObject(
    refusal("denied", "unknown", { outcomes }),
  );

  const before = new World(cut(), ok({ outcomes: [DENIED, DENIED, DENIED] }));
  expect(await before.outcome(publish(before))).toMatchObject(refusal("denied", "unknown"));

  const whole = new World(problem(413, { code: "too_large" }));
  expect(await whole.outcome(publish(whole))).toMatchObject(refusal("too_large", "rejected"));
});

it("no messages are no request", async () => {
  const world = new World();
  expect(await world.outcome(world.tide.publish([]))).toEqual({ value: [] });
  expect(world.requests).toEqual([]);
});
