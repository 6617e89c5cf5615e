import fc from "fast-check";
import { expect, it } from "vitest";
import { Rounds, type Turning } from "../../../src/session/rounds.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";

const INTERVAL_MS = 100;

class Member implements Turning {
  dueAtMs = 0;
  previous: Turning | undefined = undefined;
  next: Turning | undefined = undefined;
  readonly turnsAtMs: number[] = [];
  readonly #act: (member: Member) => void;
  readonly #runtime: VirtualRuntime;

  constructor(runtime: VirtualRuntime, act: (member: Member) => void) {
    this.#runtime = runtime;
    this.#act = act;
  }

  turn(): void {
    this.turnsAtMs.push(this.#runtime.monotonicMs());
    this.#act(this);
  }
}

const step = fc.record({
  member: fc.integer({ min: 0, max: 4 }),
  kind: fc.constantFrom("join" as const, "leave" as const),
  thenMs: fc.integer({ min: 0, max: 150 }),
});

it("[R9] everybody has a turn an interval after joining, unless they leave, and one timer is enough", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const runtime = new VirtualRuntime();
      const rounds = new Rounds(runtime, INTERVAL_MS);
      const members = Array.from({ length: 5 }, () => new Member(runtime, () => undefined));
      const due = new Map<Member, number>();
      const expected = new Map<Member, number[]>(members.map((member) => [member, []]));
      const pass = async (ms: number): Promise<void> => {
        await runtime.advance(ms);
        for (const [member, atMs] of due) {
          if (atMs > runtime.monotonicMs()) continue;
          expected.get(member)?.push(atMs);
          due.delete(member);
        }
      };
      for (const { member: index, kind, thenMs } of steps) {
        const member = members[index];
        if (member === undefined) continue;
        if (kind === "leave") {
          rounds.leave(member);
          due.delete(member);
        } else if (!due.has(member)) {
          rounds.join(member);
          due.set(member, runtime.monotonicMs() + INTERVAL_MS);
        }
        expect(runtime.timerCount).toBe(due.size === 0 ? 0 : 1);
        await pass(thenMs);
      }
      await pass(INTERVAL_MS);
      for (const member of members) expect(member.turnsAtMs).toEqual(expected.get(member));
      expect(runtime.timerCount).toBe(0);
    }),
  );
});

it("whoever joins again in its turn, or takes others along, disturbs nobody", async () => {
  const runtime = new VirtualRuntime();
  const rounds = new Rounds(runtime, INTERVAL_MS);
  const again = new Member(runtime, (member) => rounds.join(member));
  const gone = new Member(runtime, () => undefined);
  const leaver = new Member(runtime, () => rounds.leave(gone));
  const last = new Member(runtime, () => undefined);
  for (const member of [again, leaver, gone, last]) rounds.join(member);
  await runtime.advance(3 * INTERVAL_MS);
  expect(again.turnsAtMs).toHaveLength(3);
  expect(again.turnsAtMs[0]).toBe(last.turnsAtMs[0]);
  expect([leaver, gone, last].map(({ turnsAtMs }) => turnsAtMs.length)).toEqual([1, 0, 1]);
});

it("[R19] a bug in one turn takes nobody else's", async () => {
  const runtime = new VirtualRuntime();
  const rounds = new Rounds(runtime, INTERVAL_MS);
  const bug = new Member(runtime, () => {
    throw new Error("a bug");
  });
  const other = new Member(runtime, () => undefined);
  rounds.join(bug);
  rounds.join(other);
  await expect(runtime.advance(2 * INTERVAL_MS)).rejects.toThrow("a bug");
  await runtime.advance(2 * INTERVAL_MS);
  expect(other.turnsAtMs).toHaveLength(1);
});
