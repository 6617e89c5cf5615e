import { LIMITS } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { SERVER_NOW } from "../../support/fake-server.js";
import { following, hear, live, reconnect, type World, world } from "./world.js";

/** n of the calls on the newest connection, in order. */
const numbers = ({ server }: World): number[] => server.now.calls.map(([, n]) => n);

describe("[REQ-17] [R8] deadlines and aborts", () => {
  test("a call that never left is rejected", async () => {
    const { server, tide, platform } = world({ deadlineMs: 2_000 });
    server.reachable = false;
    const call = hear(tide.call("board", "a").clear());
    await platform.advance(2_100);
    expect(call.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
    server.reachable = true;
    await platform.advance(10_000);
    expect(server.now.calls).toEqual([]);
  });

  test("a call that left and was not answered is unknown", async () => {
    const made = await live();
    const call = hear(made.tide.call("board", "a").clear(undefined, { deadlineMs: 1_000 }));
    await made.platform.advance(1_100);
    expect(call.answer).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
    await reconnect(made);
    expect(numbers(made)).toEqual([]);
  });

  test("a call of which every copy was refused is rejected", async () => {
    const made = await live();
    made.platform.random = () => 0;
    const call = hear(made.tide.call("board", "a").clear(undefined, { deadlineMs: 1_000 }));
    await made.server.settle();
    made.server.now.busy(2, 100);
    await made.platform.advance(150);
    made.server.now.busy(2, 10_000);
    await made.platform.advance(1_000);
    expect(call.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
  });

  test("a call of which one copy was lost and the next was refused is unknown", async () => {
    const made = await live();
    const call = hear(made.tide.call("board", "a").clear(undefined, { deadlineMs: 5_000 }));
    await made.server.settle();
    await reconnect(made);
    made.server.now.busy(2, 60_000);
    await made.platform.advance(5_000);
    expect(call.answer).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
  });

  test("aborting stops the waiting: unknown when it left, rejected when it did not", async () => {
    const made = await live();
    const stop = new AbortController();
    const sent = hear(made.tide.call("board", "a").clear(undefined, { signal: stop.signal }));
    await made.server.settle();
    made.server.now.close(1006);
    const queued = hear(made.tide.call("board", "a").clear(undefined, { signal: stop.signal }));
    stop.abort("enough");
    await made.platform.advance(1_000);
    expect(sent.answer).toMatchObject({ code: "aborted", outcome: "unknown", cause: "enough" });
    expect(queued.answer).toMatchObject({ code: "aborted", outcome: "rejected" });
    expect(made.server.now.calls).toEqual([]);
    const dead = hear(made.tide.call("board", "a").clear(undefined, { signal: AbortSignal.abort() }));
    await made.server.settle();
    expect(dead.answer).toMatchObject({ code: "aborted", outcome: "rejected" });
  });

  test("[REQ-7] what nobody waits for any more is not sent again and holds nothing back: low passes it", async () => {
    const made = await live();
    const stop = new AbortController();
    hear(made.tide.call("board", "a").clear(undefined, { signal: stop.signal }));
    const late = hear(made.tide.call("board", "a").clear(undefined, { deadlineMs: 1_000 }));
    await made.server.settle();
    stop.abort();
    await made.platform.advance(1_000);
    expect(late.pending).toBe(false);
    hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    expect(made.server.now.last("c")).toMatchObject(["c", 4, "board/a", "clear", null, { low: 4 }]);
    await reconnect(made);
    expect(numbers(made)).toEqual([4]);
  });

  test("a refusal for good is certain of every copy: the document has seen the newest connection", async () => {
    const made = await live();
    const call = hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    await reconnect(made);
    made.server.now.send(["no", 2, "deadline_exceeded", "", { retry: "never", fault: "caller" }]);
    await made.server.settle();
    expect(call.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
  });

  test("[REQ-8] what was superseded was never applied, and is the application's to send anew", async () => {
    const made = await live();
    const calls = [1, 2].map(() => hear(made.tide.call("board", "a").clear()));
    await made.server.settle();
    made.server.now.send(["no", 2, "superseded", "", { retry: "never", fault: "caller" }]);
    made.server.now.ok(3, 5);
    await reconnect(made);
    expect(calls[0]?.answer).toMatchObject({ code: "superseded", outcome: "rejected", retry: "never" });
    expect([calls[1]?.pending, numbers(made)]).toEqual([false, []]);
  });

  test("deadlineMs Infinity waits up to 7 days", async () => {
    const { server, tide, platform } = world();
    server.reachable = false;
    const call = hear(tide.call("board", "a").clear(undefined, { deadlineMs: Number.POSITIVE_INFINITY }));
    await platform.advance(60_000);
    server.reachable = true;
    await platform.advance(10_000);
    const ttl = server.now.last("c")[5].ttl ?? 0;
    expect(ttl).toBeLessThanOrEqual(LIMITS.requestHorizonMs - 60_000);
    expect(ttl).toBeGreaterThan(LIMITS.requestHorizonMs - 70_000);
    expect(call.pending).toBe(true);
  });

  test("closing tells calls that left unknown, the others rejected, and leaves no timer behind", async () => {
    const made = await live();
    const left = hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    made.server.now.busy(2, 60_000);
    const sent = hear(made.tide.call("board", "b").clear());
    await made.server.settle();
    const never = hear(made.tide.call("board", "a").clear());
    made.tide.close();
    await made.server.settle();
    expect(left.answer).toMatchObject({ code: "closed", outcome: "rejected" });
    expect(sent.answer).toMatchObject({ code: "closed", outcome: "unknown" });
    expect(never.answer).toMatchObject({ code: "closed", outcome: "rejected" });
    expect(made.platform.pending).toBe(0);
    await expect(made.tide.call("board", "a").clear()).rejects.toMatchObject({ code: "closed", outcome: "rejected" });
  });

  test("a receipt that nobody looks at is no unhandled rejection", async () => {
    const made = await live();
    const sent = made.tide.call("board", "a").clear();
    await expect(Promise.all([sent, made.tide.close()])).rejects.toMatchObject({ code: "closed" });
    await made.server.settle();
  });
});

describe("queries", () => {
  test("[REQ-13] are marked, carry no low, and are asked again freely", async () => {
    const made = await following();
    const { server, board, platform } = made;
    hear(board.send.clear());
    const asked = hear(board.query.count());
    await server.settle();
    expect(server.now.last("c")).toEqual(["c", 2, "board/b", "count", null, { q: 1, born: SERVER_NOW, ttl: 30_000 }]);
    platform.random = () => 0;
    await reconnect(made);
    server.now.busy(2, 50);
    await platform.advance(60);
    expect(server.now.last("c")[1]).toBe(2);
    server.now.send(["ok", 2, null, 5]);
    await server.settle();
    expect(asked.answer).toBe(5);
  });

  test("a query that was not answered changed nothing: rejected", async () => {
    const made = await following();
    const asked = hear(made.board.query.count(undefined, { deadlineMs: 100 }));
    await made.platform.advance(200);
    expect(asked.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
  });

  test("tide.call asks again as a query when the name is no message, and remembers", async () => {
    const made = await live();
    const first = hear(made.tide.call("board", "a").count());
    await made.server.settle();
    made.server.now.send(["no", 2, "unknown_message", "", { retry: "never", fault: "caller" }]);
    await made.server.settle();
    expect(made.server.now.last("c")).toMatchObject(["c", 3, "board/a", "count", null, { q: 1 }]);
    made.server.now.send(["ok", 3, null, 5]);
    await made.server.settle();
    hear(made.tide.call("board", "z").count());
    await made.server.settle();
    expect([first.answer, made.server.now.last("c")[5].q]).toEqual([5, 1]);
  });
});
