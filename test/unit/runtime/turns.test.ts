// Who is next, under virtual time; and what it means to those who come with tokens.
import { describe, expect, it } from "vitest";
import { makeAuthenticator } from "../../../src/auth/authenticator.js";
import type { Runtime } from "../../../src/runtime/runtime.js";
import { Turns } from "../../../src/runtime/turns.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

/** Work that ends when it is told to, and says when it begins. */
class Bench {
  readonly runtime = new VirtualRuntime();
  readonly begun: string[] = [];
  readonly skipped: string[] = [];
  readonly gone = new Set<string>();
  readonly #ends = new Map<string, () => void>();
  readonly turns: Turns;

  constructor(atOnce: number) {
    this.turns = new Turns(this.runtime, atOnce);
  }

  take(name: string, isUrgent = false): void {
    this.turns.take({
      isUrgent,
      isAwaited: () => !this.gone.has(name),
      begin: () => {
        this.begun.push(name);
        return new Promise((resolve) => this.#ends.set(name, resolve));
      },
      skipped: () => void this.skipped.push(name),
    });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await this.runtime.settle();
  }
}

describe("turns", () => {
  it("[R15] begins so many at a time, then one for each that is over, in order, known clients first", async () => {
    const bench = new Bench(2);
    for (const name of ["a", "b", "c", "d"]) bench.take(name);
    bench.take("known", true);
    expect(bench.begun).toEqual(["a", "b"]);
    expect(bench.turns.waiting).toBe(3);
    for (const name of ["b", "a", "known", "c"]) await bench.end(name);
    expect(bench.begun).toEqual(["a", "b", "known", "c", "d"]);
  });

  it("[R15] asks nobody about those who have left, and takes the next instead", async () => {
    const bench = new Bench(1);
    for (const name of ["a", "b", "c", "d"]) bench.take(name);
    bench.gone.add("b").add("c");
    await bench.end("a");
    expect(bench.begun).toEqual(["a", "d"]);
    expect(bench.skipped).toEqual(["b", "c"]);
    expect(bench.turns.waiting).toBe(0);
  });

  it("[R19] does work that takes no time to wait for in slices, between which everything else has its turn", async () => {
    const virtual = new VirtualRuntime();
    let nowMs = 0;
    const deferred: (() => void)[] = [];
    const defer = (run: () => void): void => void deferred.push(run);
    const runtime: Runtime = {
      now: () => virtual.now(),
      setTimer: (ms, fire) => virtual.setTimer(ms, fire),
      microtask: (run) => virtual.microtask(run),
      random: () => virtual.random(),
      randomBytes: (length) => virtual.randomBytes(length),
      monotonicMs: () => nowMs,
      defer,
    };
    const authenticate = (token: string): { id: string } => {
      nowMs += 1;
      return { id: token };
    };
    const check = makeAuthenticator({ authenticate, devTokens: false, runtime, onFailed: () => undefined });
    const known: string[] = [];
    for (let n = 0; n < 100; n += 1) {
      void check(`t${n}`, { loopback: false }).then((identity) => {
        if (typeof identity === "object") known.push(identity.principal.id);
      });
    }
    const perTurn: number[] = [];
    for (let turn = 0; known.length < 100 && turn < 100; turn += 1) {
      const before = nowMs;
      for (const run of deferred.splice(0)) run();
      await new Promise((resolve) => void setImmediate(resolve));
      perTurn.push(nowMs - before);
    }
    expect(known).toEqual(Array.from({ length: 100 }, (_, n) => `t${n}`));
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(10);
  });
});
