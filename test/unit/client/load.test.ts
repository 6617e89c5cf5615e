import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryBudget } from "../../../clients/typescript/src/calls/retry-budget.js";
import { CLIENT_LIMITS } from "../../../clients/typescript/src/limits.js";
import { seeded } from "../../support/virtual-platform.js";
import { hear, live, reconnect, type World, world } from "./world.js";

/** n of the calls on the newest connection, in order. */
const numbers = ({ server }: World): number[] => server.now.calls.map(([, n]) => n);

async function calling(count: number): Promise<World> {
  const made = await live();
  for (let call = 0; call < count; call++) hear(made.tide.call("board", "a").clear());
  await made.server.settle();
  return made;
}

describe("bounds", () => {
  test("[R14] as many are in flight as the server says, on each connection anew", async () => {
    const made = world();
    made.server.welcoming = false;
    for (let call = 0; call < 10; call++) hear(made.tide.call("board", `b${call % 2}`).clear());
    hear(made.tide.call("board", "b").count());
    await made.server.settle();
    made.server.now.welcome({ limits: { inFlightMax: 3 } });
    await made.server.settle();
    expect(numbers(made).length).toBe(3);
    made.server.now.ok(1, 1);
    await made.server.settle();
    expect(numbers(made).length).toBe(4);
    made.server.welcoming = true;
    await reconnect(made);
    await made.server.settle();
    expect(numbers(made).length).toBe(10);
  });

  test("[R14] a call too many is refused at once, says why, and takes no number; an answer makes room", async () => {
    const made = world();
    made.server.reachable = false;
    const call = () => hear(made.tide.call("board", "a").clear(undefined, { deadlineMs: Number.POSITIVE_INFINITY }));
    for (let count = 0; count < CLIENT_LIMITS.unsentCallsMax; count++) call();
    const refused = call();
    await made.server.settle();
    expect(refused.answer).toMatchObject({
      code: "limit_reached",
      outcome: "rejected",
      data: { limit: "unsentCallsMax", value: CLIENT_LIMITS.unsentCallsMax },
    });
    made.server.reachable = true;
    await made.platform.advance(10_000);
    expect(numbers(made).length).toBe(256);
    const taken = call();
    await made.server.settle();
    expect(taken.pending).toBe(true);
  });
});

describe("backing off", () => {
  test("[REQ-16] waits for as long as it was told, and a random while on top that doubles with each refusal", async () => {
    const made = await calling(1);
    made.platform.random = () => 0.999;
    const waits: number[] = [];
    for (let refusal = 0; refusal < 6; refusal++) {
      const { length } = numbers(made);
      made.server.now.busy(2, 1_000);
      const before = made.platform.monotonicMs();
      while (numbers(made).length === length) await made.platform.advance(10);
      waits.push(made.platform.monotonicMs() - before - 1_000);
    }
    const most = [250, 500, 1_000, 2_000, 4_000, 5_000];
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan((most[index] ?? 0) * 0.95);
      expect(wait).toBeLessThanOrEqual((most[index] ?? 0) + 10);
    }
  });

  test("[REQ-16] [R20] goes on however timers round: early by a part of a millisecond, and still in time", async () => {
    const made = await calling(2);
    const { platform } = made;
    const setTimer = platform.setTimer.bind(platform);
    platform.setTimer = (delayMs, fire) => setTimer(delayMs > 1 ? delayMs - 0.7 : delayMs, fire);
    made.server.now.busy(2, 100);
    made.server.now.busy(3, 100);
    await platform.advance(500);
    expect(numbers(made)).toEqual([1, 2, 3, 2, 3]);
  });

  test("[R15] draws once for all refusals of one wait: clients do not all come back after the longest of many", async () => {
    const backAfterMs = async (seed: number): Promise<number> => {
      const made = await calling(20);
      made.platform.random = seeded(seed);
      for (let n = 2; n <= 21; n++) made.server.now.busy(n, 1_000);
      const before = made.platform.monotonicMs();
      while (numbers(made).length === 21) await made.platform.advance(5);
      return made.platform.monotonicMs() - before - 1_000;
    };
    const waits: number[] = [];
    for (let seed = 1; seed <= 40; seed++) waits.push(await backAfterMs(seed));
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(mean).toBeGreaterThan(80);
    expect(mean).toBeLessThan(170);
  });
});

describe("the retry budget", () => {
  test("[R15] of many calls, a share is sent again however long all are refused", async () => {
    const made = await live();
    made.platform.random = () => 0;
    const { server, tide, platform } = made;
    const fresh = 500;
    server.onMessage = (connection, message) => {
      if (message[0] === "c") queueMicrotask(() => connection.busy(message[1], 100));
    };
    for (let round = 0; round < fresh; round++) {
      hear(tide.call("board", `b${round}`).clear());
      await platform.advance(100);
    }
    const all = numbers(made).length - 1;
    const allowed =
      CLIENT_LIMITS.retryTokensMax + fresh * CLIENT_LIMITS.retryShare + (fresh / 10) * CLIENT_LIMITS.retriesPerSecond;
    expect(all - fresh).toBeLessThanOrEqual(allowed + 1);
    expect(all - fresh).toBeGreaterThan(allowed / 2);
  });

  test("[R20] once the server takes calls again, everything refused goes through, in order", async () => {
    const made = await live();
    made.platform.random = () => 0;
    const { server, tide, platform } = made;
    let open = false;
    server.onMessage = (connection, message) => {
      if (message[0] !== "c") return;
      queueMicrotask(() => (open ? connection.ok(message[1], message[1]) : connection.busy(message[1], 100)));
    };
    const heard = Array.from({ length: 200 }, () => hear(tide.call("board", "a").clear()));
    await platform.advance(1_000);
    open = true;
    const before = numbers(made).length;
    await platform.advance(3_000);
    expect(heard.filter(({ pending }) => pending)).toEqual([]);
    const after = numbers(made).slice(before);
    expect(after).toEqual(Array.from({ length: 200 }, (_, index) => index + 2));
  });

  test("what a lost connection took with it is sent again without asking the budget", async () => {
    const made = await calling(200);
    await reconnect(made);
    await made.server.settle();
    expect(numbers(made).length).toBe(200);
  });

  test("[R15] spends no more than it was given, whatever comes when", () => {
    // Parts of a millisecond: a wait that rounding makes too short would be asked for again and again.
    const step = fc.tuple(fc.constantFrom("earn", "spend"), fc.double({ min: 0, max: 200, noNaN: true }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const budget = new RetryBudget();
        let [nowMs, spent, earned] = [0, 0, 0];
        for (const [what, passedMs] of steps) {
          nowMs += passedMs;
          if (what === "earn") {
            budget.earn();
            earned++;
          } else {
            const waitMs = budget.spend(nowMs);
            if (waitMs === 0) spent++;
            else expect([budget.spend(nowMs + waitMs), waitMs % 1]).toEqual([0, 0]);
            if (waitMs !== 0) nowMs += waitMs;
            if (waitMs !== 0) spent++;
          }
        }
        const { retryTokensMax, retryShare, retriesPerSecond } = CLIENT_LIMITS;
        expect(spent).toBeLessThanOrEqual(
          retryTokensMax + earned * retryShare + (nowMs / 1_000) * retriesPerSecond + 0.01,
        );
      }),
    );
  });
});
