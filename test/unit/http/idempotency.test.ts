import { LIMITS } from "@tidemark/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callIdentity } from "../../../src/http/idempotency.js";
import { uuidV7 } from "../../../src/runtime/ids.js";
import { HttpBench, jsonOf, type Saying } from "../../support/http-bench.js";

const HOUR_MS = 3_600_000;

let http: HttpBench;

beforeEach(async () => {
  http = await HttpBench.open();
  await http.post("/v1/docs/board/one");
});

afterEach(() => http.app.close());

const add = (key: string, by = 1, saying: Saying = {}) =>
  http.post("/v1/docs/board/one/add", { by }, { headers: { "idempotency-key": key }, ...saying });
const restart = (): void => {
  http.bench.restart();
  http.documents = http.bench.documents;
};

describe.each(["an-opaque-key", "0192f0c4-0000-7000-8000-000000000001"])("the key %s", (key) => {
  beforeEach(() => {
    const made = 0x0192f0c40000;
    http.bench.runtime.jumpWall(made - http.bench.runtime.now());
  });

  it("[HTTP-4] [R6] gives the first answer again, also to a copy that overtakes it, and after a restart", async () => {
    http.bench.store.holdCommits();
    const say = { method: "POST", body: { by: 1 }, headers: { "idempotency-key": key } } as const;
    const copies = [1, 2, 3].map(() => http.begin("/v1/docs/board/one/add", say));
    await http.settle();
    expect(copies.some(({ isEnded }) => isEnded)).toBe(false);
    http.bench.store.decide("commit");
    http.bench.store.plan = () => "commit";
    const answers = await Promise.all(copies.map(async (copy) => jsonOf(await http.answer(copy))));
    restart();
    answers.push(jsonOf(await add(key)));
    expect(answers).toEqual(answers.map(() => ({ result: 1, epoch: expect.any(Number), seq: 2 })));
    expect(http.bench.durable()).toBe(2);
  });

  it("[HTTP-4] [R7] with another payload is refused, and applies nothing", async () => {
    await add(key);
    for (const answer of [
      await add(key, 2),
      await http.post("/v1/docs/board/one/note", "by", { headers: { "idempotency-key": key } }),
      await http.ask("/v1/docs/board/one", { method: "DELETE", headers: { "idempotency-key": key } }),
    ]) {
      expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([422, "id_reused"]);
    }
    expect(http.bench.durable()).toBe(2);
  });

  it("[HTTP-4] is its sender's own: another's equal key is another call", async () => {
    await add(key);
    expect(jsonOf(await add(key, 5, { as: "bob", headers: { "idempotency-key": key } }))).toMatchObject({ result: 6 });
  });

  it("[HTTP-4] [R6] is answered by its receipt whatever has changed since", async () => {
    await add(key);
    await http.post("/v1/docs/board/one/ban", "ann");
    const stale = { headers: { "idempotency-key": key, "if-match": '"77"', "deadline-ms": "1" } };
    expect(jsonOf(await add(key, 1, stale))).toMatchObject({ result: 1, seq: 2 });
  });

  it("[HTTP-4] [R8] of a commit in doubt gets to know", async () => {
    http.bench.store.holdCommits();
    const call = http.begin("/v1/docs/board/one/add", {
      method: "POST",
      body: { by: 1 },
      headers: { "idempotency-key": key, "deadline-ms": "100" },
    });
    await http.settle();
    await http.bench.runtime.advance(100);
    expect(jsonOf(await http.answer(call))).toMatchObject({ outcome: "unknown" });
    http.bench.store.decide("kept");
    http.bench.store.plan = () => "commit";
    await http.bench.runtime.advance(10_000);
    expect(jsonOf(await add(key))).toMatchObject({ result: 1, seq: 2 });
    expect(http.bench.durable()).toBe(2);
  });
});

describe("the horizon", () => {
  it("[HTTP-4] a UUIDv7 past 24 h without a receipt is expired for good; within, it is applied", async () => {
    const keys = [uuidV7(http.bench.runtime), uuidV7(http.bench.runtime)] as const;
    http.bench.runtime.jumpWall(24 * HOUR_MS - 1);
    expect((await add(keys[0])).statusCode).toBe(200);
    http.bench.runtime.jumpWall(1);
    const answer = await add(keys[1]);
    expect([answer.statusCode, JSON.parse(answer.body)]).toMatchObject([
      409,
      { code: "expired", outcome: "unknown", final: true },
    ]);
    // What was applied is still answered.
    expect(jsonOf(await add(keys[0]))).toMatchObject({ result: 1 });
    expect(http.bench.durable()).toBe(2);
  });

  it("[HTTP-4] a UUIDv7 from the future is refused", async () => {
    const key = uuidV7(http.bench.runtime);
    http.bench.runtime.jumpWall(-LIMITS.bornAheadMs - 1);
    expect((await add(key)).statusCode).toBe(400);
    http.bench.runtime.jumpWall(1);
    expect((await add(key)).statusCode).toBe(200);
  });

  it("[HTTP-4] [R6] holds whenever a key was made and used: no call is ever applied twice", () => {
    // A receipt is kept for as long as it is born within the documents' horizon, and some time more.
    const { requestHorizonMs, idempotencyHorizonMs } = LIMITS;
    const time = fc.integer({ min: 0, max: 3 * idempotencyHorizonMs });
    fc.assert(
      fc.property(time, time, (usedAfterMs, againAfterMs) => {
        const { runtime } = http.bench;
        const start = runtime.now();
        const key = uuidV7(runtime);
        runtime.jumpWall(usedAfterMs);
        const first = callIdentity(key, runtime);
        const wasApplied = first.born + requestHorizonMs > runtime.now();
        runtime.jumpWall(againAfterMs);
        const again = callIdentity(key, runtime);
        const isAppliedAnew = again.born + requestHorizonMs > runtime.now();
        const isRemembered = first.born + requestHorizonMs > runtime.now();
        runtime.jumpWall(start - runtime.now());
        expect(again).toEqual(first);
        expect(wasApplied).toBe(usedAfterMs < idempotencyHorizonMs);
        expect(isAppliedAnew && !isRemembered).toBe(false);
      }),
    );
  });

  it("[HTTP-4] an opaque key and a request without one are remembered for less long", () => {
    const { runtime } = http.bench;
    const kept = (key: string | undefined) => callIdentity(key, runtime).born + LIMITS.requestHorizonMs - runtime.now();
    expect([kept("an-opaque-key"), kept(undefined)]).toEqual([24 * HOUR_MS, HOUR_MS]);
  });
});

describe("a key that is none", () => {
  it.each(["", "short", "with space", "x".repeat(129), "ümläut-key"])("[HTTP-4] is refused: %s", async (key) => {
    expect((await add(key)).statusCode).toBe(400);
  });

  it("[HTTP-4] without one, each request is a call of its own", async () => {
    for (const n of [1, 2])
      expect(jsonOf(await http.post("/v1/docs/board/one/add", { by: 1 }))).toMatchObject({ result: n });
  });

  it("[HTTP-4] two keys never meet", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{8,64}$/), fc.stringMatching(/^[!-~]{8,64}$/), (one, other) => {
        fc.pre(one !== other);
        const { runtime } = http.bench;
        expect(callIdentity(one, runtime).client).not.toBe(callIdentity(other, runtime).client);
      }),
    );
  });
});
