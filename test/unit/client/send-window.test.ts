import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SendWindow } from "../../../clients/typescript/src/calls/send-window.js";
import { hear, live, reconnect } from "./world.js";

/** Sends a whole window and has all of it answered, `tookMs` later. Returns the size after it. */
function round(window: SendWindow, at: { nowMs: number; n: number }, tookMs: number): number {
  const first = at.n;
  const count = window.size;
  for (let sent = 0; sent < count; sent++) window.sent(at.n++, at.nowMs);
  at.nowMs += tookMs;
  for (let n = first; n < at.n; n++) window.answered(n, at.nowMs);
  return window.size;
}

describe("the window of calls in flight", () => {
  test("[R15] is all that the server allows, until it refuses; then it doubles up to half, and creeps from there", () => {
    const window = new SendWindow();
    window.open(256);
    const at = { nowMs: 0, n: 1 };
    expect(round(window, at, 10)).toBe(256);
    window.refused(at.n, at.nowMs, 64);
    for (let left = 63; left > 0; left--) window.answered(at.n, at.nowMs);
    const sizes = [window.size];
    for (let rounds = 0; rounds < 6; rounds++) sizes.push(round(window, at, 10));
    expect(sizes.slice(0, 4)).toEqual([4, 8, 16, 32]);
    expect(sizes.slice(4).every((size, index) => size - (sizes[index + 3] ?? 0) <= 2)).toBe(true);
    expect(sizes.at(-1)).toBeGreaterThan(32);
  });

  test("[R15] many refusals of one round are one", () => {
    const window = new SendWindow();
    window.open(256);
    for (let n = 1; n <= 200; n++) window.refused(n, 0, 201 - n);
    const at = { nowMs: 0, n: 201 };
    const sizes = Array.from({ length: 6 }, () => round(window, at, 10));
    expect(sizes.slice(0, 5)).toEqual([8, 16, 32, 64, 100]);
    window.refused(at.n, at.nowMs, 100);
    expect(window.size).toBe(4);
  });

  test("[R15] whatever happens, it allows some and never more than the server", () => {
    const event = fc.oneof(
      fc.record({ what: fc.constantFrom("answered", "refused"), inFlight: fc.integer({ min: 1, max: 256 }) }),
      fc.record({ what: fc.constant("open"), inFlight: fc.integer({ min: 1, max: 300 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const window = new SendWindow();
        let max = 256;
        events.forEach(({ what, inFlight }, index) => {
          if (what === "open") {
            max = inFlight;
            window.open(max);
          } else if (what === "refused") window.refused(index, index, inFlight);
          else window.answered(index, index);
          expect(window.size).toBeGreaterThanOrEqual(1);
          expect(window.size).toBeLessThanOrEqual(max);
        });
      }),
    );
  });

  test("[R8] [R15] a call is too late only for a server that refused, by how long its answers take", () => {
    const window = new SendWindow();
    window.open(256);
    const at = { nowMs: 0, n: 1 };
    for (let rounds = 0; rounds < 50; rounds++) round(window, at, 100);
    expect(window.isTooLate(1, 10_000)).toBe(false);
    window.refused(at.n, at.nowMs, 10);
    expect(window.isTooLate(90, 10_000)).toBe(true);
    expect(window.isTooLate(110, 10_000)).toBe(false);
    // Half of its time is left: without it nobody would learn that answers are fast again.
    expect(window.isTooLate(51, 100)).toBe(false);
    expect(window.isTooLate(49, 100)).toBe(true);
  });
});

describe("a client of a busy server", () => {
  test("[R15] keeps back what it has no room for, and says `rejected` of what could not be answered in time", async () => {
    const made = await live();
    const { server, platform, tide } = made;
    const send = (deadlineMs: number) => hear(tide.call("board", "a").clear(undefined, { deadlineMs }));
    const first = Array.from({ length: 20 }, () => send(30_000));
    await server.settle();
    const answers = server.now.calls.map(([, n]) => n).filter((n) => n > 1);
    expect(answers).toHaveLength(20);
    await platform.advance(500);
    server.now.ok(answers[0] ?? 0, 2);
    for (const n of answers.slice(1)) server.now.busy(n, 50);
    // Its turn comes when it has 300 ms left, and answers take 500.
    const hopeless = send(1_000);
    const patient = send(30_000);
    await platform.advance(600);
    expect(server.now.calls.length).toBe(1 + 20 + 4);
    for (const n of server.now.calls.slice(-4).map(([, n]) => n)) server.now.ok(n, n + 10);
    await server.settle();
    expect(server.now.calls.length).toBe(1 + 20 + 4 + 8);
    for (const n of server.now.calls.slice(-8).map(([, n]) => n)) server.now.ok(n, n + 10);
    await platform.advance(100);
    expect(server.now.calls.length).toBe(1 + 20 + 4 + 8 + 8);
    expect(first.filter(({ pending }) => pending)).toHaveLength(7);
    expect(hopeless.answer).toMatchObject({ code: "deadline_exceeded", outcome: "rejected" });
    expect(server.now.calls.at(-1)?.[1]).toBe(23);
    expect(patient.pending).toBe(true);
  });

  test("[R15] does not forget on a new connection that the server refused", async () => {
    const made = await live();
    const calls = Array.from({ length: 40 }, () => hear(made.tide.call("board", "a").clear()));
    await made.server.settle();
    for (const [, n] of made.server.now.calls.slice(1)) made.server.now.busy(n, 50);
    await reconnect(made);
    await made.server.settle();
    expect(made.server.now.calls).toHaveLength(4);
    expect(calls.every(({ pending }) => pending)).toBe(true);
  });

  test("[R8] [R15] asks to the end about what may have been applied, however late it is", async () => {
    const made = await live();
    const { server, platform, tide } = made;
    const send = (deadlineMs: number) => hear(tide.call("board", "a").clear(undefined, { deadlineMs }));
    const first = Array.from({ length: 10 }, () => send(30_000));
    await server.settle();
    await platform.advance(1_000);
    for (const [, n] of server.now.calls.slice(1)) server.now.busy(n, 50);
    await platform.advance(1_000);
    while (first.some(({ pending }) => pending)) {
      for (const [, n] of server.now.calls.slice(-5)) server.now.ok(n, n);
      await server.settle();
    }
    // A copy of it is under way when the connection is lost: it may be in the log.
    const late = send(1_500);
    await server.settle();
    const [, n] = server.now.calls.at(-1) ?? ["c", 0];
    await platform.advance(1_000);
    await reconnect(made);
    await server.settle();
    expect(server.now.calls.map(([, again]) => again)).toEqual([n]);
    server.now.ok(n, 99);
    await server.settle();
    expect(late.pending).toBe(false);
    expect(late.answer).toBeUndefined();
  });
});
