import { setMaxListeners } from "node:events";
import { LIMITS } from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { delta, SERVER_NOW } from "../../support/fake-server.js";
import { following, hear, live, reconnect, type World, world } from "./world.js";

/** n of the calls on the newest connection, in order. */
const numbers = ({ server }: World): number[] => server.now.calls.map(([, n]) => n);

describe("sending", () => {
  test("[R1] a send resolves with its result when the view shows it, and has a receipt", async () => {
    const { server, board } = await following();
    const sent = board.send.add({ text: "x" });
    const [result, receipt] = [hear(sent), hear(sent.receipt)];
    await server.settle();
    expect(server.now.last("c")).toMatchObject([
      "c",
      1,
      1,
      "add",
      { text: "x" },
      { low: 1, born: SERVER_NOW, ttl: 30_000 },
    ]);
    server.now.ok(1, 2, { id: "i" });
    await server.settle();
    expect(result.pending).toBe(true);
    server.now.send(delta(1, 2, [["=", "/title", "x"]]));
    await server.settle();
    expect([result.answer, receipt.answer]).toEqual([{ id: "i" }, { epoch: 1, seq: 2, n: 1 }]);
  });

  test("[REQ-2] an ok in the frame of its delta resolves after the listeners have heard", async () => {
    const { server, board } = await following();
    const order: string[] = [];
    board.subscribe(() => order.push("heard"));
    void board.send.clear().then(() => order.push("resolved"));
    await server.settle();
    server.now.send(delta(1, 2, [["=", "/title", "x"]]), ["ok", 1, [1, 2]]);
    await server.settle();
    expect(order).toEqual(["heard", "heard", "resolved"]);
  });

  test("a reset, which is at least as new, lets a send resolve", async () => {
    const made = await following();
    const result = hear(made.board.send.clear());
    await made.server.settle();
    made.server.now.ok(1, 9);
    await reconnect(made);
    expect([result.pending, numbers(made)]).toEqual([true, []]);
    made.server.now.reset({ title: "", cards: {}, order: [] }, { seq: 9 });
    await made.server.settle();
    expect(result).toEqual({ answer: undefined, pending: false });
  });

  test("[R8] what is known to be applied is never told as failed: past its deadline it resolves without the view", async () => {
    const made = await following();
    const result = hear(made.board.send.clear(undefined, { deadlineMs: 1_000 }));
    await made.server.settle();
    made.server.now.ok(1, 9);
    await made.platform.advance(900);
    expect(result.pending).toBe(true);
    await made.platform.advance(200);
    expect(result).toEqual({ answer: undefined, pending: false });
  });

  test("tide.call, and a send on a closed document, resolve when durable", async () => {
    const { server, tide, board } = await following();
    const called = hear(tide.call("board", "b").clear());
    board.close();
    const sent = hear(board.send.clear());
    await server.settle();
    expect(server.now.calls.map(([, , target]) => target)).toEqual(["board/b", "board/b"]);
    server.now.ok(1, 5);
    server.now.ok(2, 6);
    await server.settle();
    expect([called.pending, sent.pending]).toEqual([false, false]);
  });

  test("a refusal has the application's reason", async () => {
    const made = await live();
    const call = hear(made.tide.call("board", "b").clear());
    await made.server.settle();
    made.server.now.send([
      "no",
      2,
      "rejected",
      "closed",
      { retry: "never", fault: "caller", reason: "full", data: [1] },
    ]);
    await made.server.settle();
    expect(call.answer).toMatchObject({
      code: "rejected",
      outcome: "rejected",
      reason: "full",
      data: [1],
      message: "closed",
    });
  });

  test("ifSeq and the deadline travel along", async () => {
    const made = await live();
    hear(made.tide.call("board", "b").clear(undefined, { ifSeq: 41, deadlineMs: 500 }));
    await made.server.settle();
    expect(made.server.now.last("c")[5]).toMatchObject({ if: 41, ttl: 500 });
  });

  test("what is sent is a copy: later changes of the input do not reach a retry", async () => {
    const made = await live();
    const input = { text: "first" };
    hear(made.tide.call("board", "b").add(input));
    await made.server.settle();
    input.text = "second";
    await reconnect(made);
    expect(made.server.now.last("c")[4]).toEqual({ text: "first" });
  });

  test.each([
    ["a date", { text: new Date(0) }],
    ["NaN", { text: Number.NaN }],
    ["a function", { text: () => 1 }],
    ["undefined in a list", { text: [undefined] }],
    ["too many levels", { text: nested(70) }],
    ["__proto__", JSON.parse('{"text":{"__proto__":1}}')],
  ])("[FRAME-10] refuses %s at the call, naming the path, and numbers nothing", async (_what, input) => {
    const made = await live();
    const call = hear(made.tide.call("board", "b").add(input));
    hear(made.tide.call("board", "b").clear());
    await made.server.settle();
    expect(call.answer).toMatchObject({
      code: "invalid_input",
      outcome: "rejected",
      message: expect.stringContaining("/text"),
    });
    expect(numbers(made)).toEqual([1, 2]);
  });

  test("[FRAME-3] refuses what no frame can hold, and goes on", async () => {
    const made = await live();
    const large = hear(made.tide.call("board", "b").add({ text: "x".repeat(LIMITS.frameBytesMax) }));
    const small = hear(made.tide.call("board", "b").clear());
    await made.server.settle();
    expect(large.answer).toMatchObject({ code: "too_large", outcome: "rejected" });
    expect(numbers(made)).toEqual([1, 3]);
    expect(small.pending).toBe(true);
  });

  test("256 are in flight at most; answers make room, in order", async () => {
    const made = await live();
    for (let call = 0; call < 300; call++) hear(made.tide.call("board", `b${call % 3}`).clear());
    await made.server.settle();
    expect(numbers(made).length).toBe(1 + 256);
    for (let n = 2; n <= 11; n++) made.server.now.ok(n, n);
    await made.server.settle();
    expect(numbers(made).length).toBe(1 + 266);
    expect([...numbers(made)].sort((a, b) => a - b)).toEqual(numbers(made));
  });

  test("aborted calls take room until their answers come", async () => {
    const made = await live();
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    for (let call = 0; call < 256; call++) hear(made.tide.call("board", "b").clear(undefined, { signal: stop.signal }));
    await made.server.settle();
    stop.abort();
    hear(made.tide.call("board", "b").clear());
    await made.server.settle();
    expect(numbers(made).length).toBe(257);
    made.server.now.ok(2, 2);
    await made.server.settle();
    expect(numbers(made).length).toBe(258);
  });
});

describe("[REQ-16] [R6] sending again", () => {
  test("unanswered calls go again in order, under their number, with their first born", async () => {
    const made = await live();
    for (const key of ["a", "b", "a"]) hear(made.tide.call("board", key).clear());
    await made.server.settle();
    const first = made.server.now.calls.slice(1);
    await made.platform.advance(5_000);
    await reconnect(made);
    expect(made.server.now.calls.toSorted(([, n], [, m]) => n - m)).toEqual(first);
    expect(numbers(made)).toEqual([2, 4, 3]);
  });

  test("answered calls do not", async () => {
    const made = await live();
    hear(made.tide.call("board", "a").clear());
    hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    made.server.now.ok(2, 1);
    await reconnect(made);
    expect(numbers(made)).toEqual([3]);
  });

  test("low is the lowest n to that document that is still waited for", async () => {
    const made = await live();
    for (const key of ["a", "b", "a", "a"]) hear(made.tide.call("board", key).clear());
    hear(made.tide.call("board", "a").count());
    await made.server.settle();
    expect(made.server.now.calls.slice(1).map(([, n, , , , { low }]) => [n, low])).toEqual([
      [2, 2],
      [3, 3],
      [4, 2],
      [5, 2],
      [6, 2],
    ]);
    made.server.now.ok(2, 1);
    hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    expect(made.server.now.last("c")[5].low).toBe(4);
  });

  test("born never decreases with n, whatever the clock does", async () => {
    const made = await live();
    hear(made.tide.call("board", "a").clear());
    made.platform.wallOffsetMs += 9_000;
    hear(made.tide.call("board", "a").clear());
    made.platform.wallOffsetMs -= 18_000;
    await made.platform.advance(11_000);
    hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    const born = made.server.now.calls.slice(1).map(([, , , , , extension]) => extension.born);
    expect(born).toEqual([SERVER_NOW, SERVER_NOW + 9_000, SERVER_NOW + 11_000]);
  });

  test.each([
    ["set ahead", 3_600_000],
    ["set back", -3_600_000],
  ])(
    "[REQ-10] with a clock that was %s nothing is dated until the server has said what time it is",
    async (_how, by) => {
      const made = await live();
      hear(made.tide.call("board", "a").clear());
      await made.server.settle();
      made.platform.wallOffsetMs += by;
      hear(made.tide.call("board", "a").clear());
      await made.server.settle();
      expect([numbers(made), made.server.now.open]).toEqual([[1, 2], false]);
      hear(made.tide.call("board", "a").clear());
      await made.platform.advance(300);
      const dated = made.server.now.calls.map(([, n, , , , { born, ttl }]) => [n, born, ttl]);
      const ttl = 30_000 - 250;
      expect(dated).toEqual([
        [2, SERVER_NOW, 30_000],
        [3, SERVER_NOW, ttl],
        [4, SERVER_NOW, ttl],
      ]);
    },
  );

  test("[REQ-10] with a monotonic clock that stood still in the machine's sleep, too", async () => {
    const made = await live();
    // Nine hours by the wall, none by the other; nobody has said yet that the connection is dead.
    made.platform.wallOffsetMs += 9 * 3_600_000;
    made.server.welcoming = false;
    const call = hear(made.tide.call("board", "a").clear());
    await made.platform.advance(300);
    made.server.now.welcome({ now: SERVER_NOW + 9 * 3_600_000 });
    await made.server.settle();
    expect([made.server.now.last("c")[5].born, call.pending]).toEqual([SERVER_NOW + 9 * 3_600_000, true]);
  });

  test("calls made before the first welcome are dated by the server's clock, in order, and age meanwhile", async () => {
    const made = world();
    made.server.welcoming = false;
    for (let call = 0; call < 3; call++) hear(made.tide.call("board", "a").clear());
    await made.platform.advance(2_000);
    made.server.now.welcome();
    await made.server.settle();
    expect(made.server.now.calls.map(([, n, , , , { born, ttl }]) => [n, born, ttl])).toEqual([
      [1, SERVER_NOW, 28_000],
      [2, SERVER_NOW, 28_000],
      [3, SERVER_NOW, 28_000],
    ]);
  });

  test("after a refusal that invites a retry, nothing leaves until all answers are in and the wait is over", async () => {
    const made = await live();
    made.platform.random = () => 0;
    for (let call = 0; call < 3; call++) hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    made.server.now.busy(3, 100);
    hear(made.tide.call("board", "a").clear());
    hear(made.tide.call("board", "other").clear());
    await made.platform.advance(1_000);
    expect(numbers(made)).toEqual([1, 2, 3, 4, 6]);
    made.server.now.busy(4, 100);
    made.server.now.ok(2, 1);
    await made.platform.advance(50);
    expect(numbers(made)).toEqual([1, 2, 3, 4, 6]);
    await made.platform.advance(60);
    expect(numbers(made)).toEqual([1, 2, 3, 4, 6, 3, 4, 5]);
    expect(made.server.now.last("c")[5].low).toBe(3);
  });

  test("an answer that says unknown, but not for good, is asked for again under the same n", async () => {
    const made = await live();
    made.platform.random = () => 0;
    const call = hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    made.server.now.send(["unk", 2, "commit_unknown", { afterMs: 200 }]);
    await made.platform.advance(250);
    expect(numbers(made)).toEqual([1, 2, 2]);
    made.server.now.ok(2, 4);
    await made.server.settle();
    expect(call.pending).toBe(false);
  });

  test.each(["expired", "settled"] as const)("unk %s is final: the outcome is unknown", async (code) => {
    const made = await live();
    const call = hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    made.server.now.send(["unk", 2, code, { final: true }]);
    await made.server.settle();
    expect(call.answer).toMatchObject({ code, outcome: "unknown" });
  });

  test("an answer of an earlier connection's copy is not mistaken for one of this connection's", async () => {
    const made = await live();
    const call = hear(made.tide.call("board", "a").clear());
    await made.server.settle();
    const old = made.server.now;
    await reconnect(made);
    old.socket.closedWith = undefined;
    old.busy(2, 0);
    await made.server.settle();
    expect([numbers(made), call.pending]).toEqual([[2], true]);
  });
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}
