import { TidemarkError } from "@tidemark/client/http";
import { expect, it } from "vitest";
import { cut, type Fate, ok, problem, refusal, World } from "./world.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const HELLO = { status: 200, retryAfter: null, text: "<html>hello" };
const receipt = { value: { epoch: 7, seq: 3, n: 1 } };
const bark = (world: World, deadlineMs = 30_000): Promise<unknown> =>
  world.tide.publish("dogs", "bark", { loud: true }, { deadlineMs });

it("[R6] a request is one POST under an idempotency key that says when it was made", async () => {
  const world = new World();
  expect(await world.outcome(bark(world))).toMatchObject(receipt);
  expect(world.requests).toEqual([
    {
      method: "POST",
      url: "https://tide.example/v1/docs/channel/dogs/publish",
      headers: {
        Authorization: "Bearer tmk_secret",
        "Content-Type": "application/json",
        "Idempotency-Key": expect.stringMatching(UUID_V7),
        "Deadline-Ms": "10000",
      },
      body: '{"event":"bark","data":{"loud":true}}',
    },
  ]);
  const [key = ""] = world.sent("Idempotency-Key");
  const made = Number.parseInt(key?.replaceAll("-", "").slice(0, 12) ?? "", 16);
  expect(made).toBe(1_700_000_001_000);
});

it("[R6] every copy of a request is the same but for its deadline; another request has another key", async () => {
  const later = problem(503, { code: "commit_unknown", outcome: "unknown", retry: "reconnect" });
  const proxy = { status: 502, retryAfter: null, text: "<html>bad gateway</html>" };
  const world = new World(cut(), later, proxy, "silence", problem(503, { code: "draining" }));
  expect(await world.outcome(bark(world))).toMatchObject(receipt);
  await world.outcome(bark(world));
  const copies = world.requests.slice(0, 6).map(({ headers: { "Deadline-Ms": _, ...headers }, ...request }) => ({
    ...request,
    headers,
  }));
  expect(new Set(copies.map((copy) => JSON.stringify(copy))).size).toBe(1);
  expect(new Set(world.sent("Idempotency-Key")).size).toBe(2);
});

it("a copy is waited for by seconds, and tells the service how long", async () => {
  const world = new World("silence", "silence", "silence");
  expect(await world.outcome(bark(world, 15_000))).toMatchObject(refusal("deadline_exceeded", "unknown"));
  expect(world.sentAtMs).toEqual([1_000, 12_125]);
  expect(world.sent("Deadline-Ms")).toEqual(["10000", "3875"]);
});

it.each([
  ["seconds", problem(429, { code: "rate_limited" }, "3"), 3_000],
  ["milliseconds of the problem", problem(429, { code: "rate_limited", afterMs: 2_500 }, "2"), 2_500],
  ["a date", { status: 503, retryAfter: new Date(1_700_000_005_000).toUTCString(), text: "" }, 4_000],
])("waits as long as it is told to by %s, and a little more", async (_, answer, leastMs) => {
  const world = new World(answer);
  expect(await world.outcome(bark(world))).toMatchObject(receipt);
  expect(world.sentAtMs).toEqual([1_000, 1_000 + leastMs + 125]);
});

it("pauses grow, and two that were refused together do not come back together", async () => {
  const world = new World(...Array.from({ length: 4 }, () => cut("ECONNREFUSED")));
  expect(await world.outcome(bark(world))).toMatchObject(receipt);
  expect(world.sentAtMs.map((at) => at - 1_000)).toEqual([0, 125, 375, 875, 1_875]);
  const other = new World(cut());
  other.platform.random = () => 0.1;
  await other.outcome(bark(other));
  expect(other.sentAtMs).toEqual([1_000, 1_025]);
});

it.each([
  ["rejected", 422, { reason: "asleep" }],
  ["denied", 403, {}],
  ["unauthenticated", 401, { retry: "reconnect" }],
  ["revoked", 401, {}],
  ["id_reused", 422, {}],
  ["conflict", 412, { data: { seq: 4 } }],
  ["quarantined", 500, { fault: "service" }],
])("[R8] a call that is refused as %s is said to be, and not repeated", async (code, status, said) => {
  const world = new World(problem(status, { code, ...said }));
  const outcome = await world.outcome(bark(world));
  expect(outcome).toMatchObject(refusal(code, "rejected", { ...said }));
  expect(outcome).toMatchObject({ error: expect.any(TidemarkError) });
  expect(world.requests).toHaveLength(1);
});

it.each<[string, Fate[], string]>([
  ["nobody answers", Array.from({ length: 9 }, () => cut()), "deadline_exceeded"],
  [
    "its store failed",
    Array.from({ length: 9 }, () => problem(503, { code: "commit_unknown", outcome: "unknown" })),
    "commit_unknown",
  ],
  ["its key ended after a cut", [cut(), problem(401, { code: "unauthenticated" })], "unauthenticated"],
  ["the document refuses after a cut", [cut(), problem(422, { code: "rejected" })], "rejected"],
  ["its outcome is lost for good", [problem(409, { code: "expired", outcome: "unknown", final: true })], "expired"],
  ["something else answers", Array.from({ length: 9 }, () => HELLO), "protocol_error"],
  ["a success has no place", [ok({})], "protocol_error"],
])("[R8] what may have been applied is never said to have failed: %s", async (_, fates, code) => {
  const world = new World(...fates);
  expect(await world.outcome(bark(world, 2_000))).toMatchObject(refusal(code, "unknown"));
});

it.each<[string, Fate, string]>([
  ["nothing listens", cut("ECONNREFUSED"), "deadline_exceeded"],
  ["its name is unknown", cut("ENOTFOUND"), "deadline_exceeded"],
  ["there is too much to do", problem(503, { code: "overloaded", afterMs: 300 }), "overloaded"],
])("[R8] what certainly never arrived is said to be rejected: %s", async (_, fate, code) => {
  const world = new World();
  world.otherwise = fate;
  expect(await world.outcome(bark(world, 2_000))).toMatchObject(refusal(code, "rejected"));
  expect(world.requests.length).toBeGreaterThan(2);
});

it("says at once that there will be no time", async () => {
  const world = new World(problem(429, { code: "rate_limited", afterMs: 40_000 }));
  const outcome = await world.outcome(bark(world), 1);
  expect(outcome).toMatchObject(refusal("rate_limited", "rejected", { afterMs: 40_000 }));
  expect(await world.outcome(bark(world, 0), 1)).toMatchObject(refusal("deadline_exceeded", "rejected"));
  expect(world.requests).toHaveLength(1);
});

it("[R8] whoever stops waiting hears whether it may have been applied", async () => {
  const world = new World(problem(503, { code: "overloaded", afterMs: 5_000 }), "silence");
  const during = new AbortController();
  const first = world.tide.publish("dogs", "bark", null, { signal: during.signal });
  await world.platform.advance(1_000);
  during.abort();
  expect(await world.outcome(first, 0)).toMatchObject(refusal("aborted", "rejected"));
  const flying = new AbortController();
  const second = world.tide.publish("dogs", "bark", null, { signal: flying.signal });
  await world.platform.advance(0);
  flying.abort();
  expect(await world.outcome(second, 0)).toMatchObject(refusal("aborted", "unknown"));
  expect(await world.outcome(world.tide.publish("a", "b", null, { signal: flying.signal }))).toMatchObject(
    refusal("aborted", "rejected"),
  );
  expect(world.requests).toHaveLength(2);
  expect(world.platform.pending).toBe(0);
});

it("a redirect, and a stranger at the address, are said to be no service of ours", async () => {
  for (const status of [302, 404]) {
    const world = new World({ status, retryAfter: null, text: "moved" });
    const outcome = await world.outcome(bark(world));
    expect(outcome).toMatchObject(refusal("protocol_error", "rejected"));
    expect(world.requests).toHaveLength(1);
  }
});
