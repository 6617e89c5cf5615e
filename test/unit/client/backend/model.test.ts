// The backend's client against a model of the service and of a network that loses, delays and doubts: whatever happens to
// the copies of a request, it is applied at most once, and what its sender hears is true for ever.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Response } from "../../../../clients/typescript/src/platform/request.js";
import { cut, type Fate, LANDED, ok, problem, World } from "./world.js";

/** What becomes of one copy. */
const COPY = fc.constantFrom(
  "applied",
  "applied, answer lost",
  "applied, in doubt",
  "lost",
  "late",
  "never connected",
  "held up for ever",
  "refused for now",
  "refused",
);
type Copy = typeof COPY extends fc.Arbitrary<infer One> ? One : never;

/** Applies a key once, and answers the same to each of its copies. */
class Service {
  readonly applied = new Map<string, number>();
  readonly late: (() => void)[] = [];

  apply(key: string): Response {
    if (!this.applied.has(key)) this.applied.set(key, this.applied.size + 1);
    return ok({ ...LANDED, seq: this.applied.get(key) });
  }

  take(key: string, copy: Copy): Fate {
    switch (copy) {
      case "applied":
        return this.apply(key);
      case "applied, answer lost":
        this.apply(key);
        return cut();
      case "applied, in doubt":
        this.apply(key);
        return problem(503, { code: "commit_unknown", outcome: "unknown" });
      case "lost":
        return cut();
      case "late":
        this.late.push(() => this.apply(key));
        return cut();
      case "never connected":
        return cut("ECONNREFUSED");
      case "held up for ever":
        this.late.push(() => this.apply(key));
        return "silence";
      case "refused for now":
        return problem(429, { code: "rate_limited", afterMs: 200 });
      case "refused":
        return this.applied.has(key) ? this.apply(key) : problem(422, { code: "rejected" });
    }
  }
}

it("[R6] [R8] whatever happens to its copies, what is said of a request is true, then and later", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(COPY, { maxLength: 8 }),
      fc.integer({ min: 1, max: 40_000 }),
      async (copies, deadlineMs) => {
        const service = new Service();
        const world = new World();
        const fates = [...copies];
        world.onCopy = ({ headers }) => service.take(headers["Idempotency-Key"] ?? "", fates.shift() ?? "applied");
        const heard = world.tide.publish("dogs", "bark", null, { deadlineMs }).then(
          ({ seq }) => `applied as ${seq}`,
          (error: { readonly outcome: string }) => error.outcome,
        );
        await world.platform.advance(120_000);
        const told = await heard;
        for (const arrive of service.late) arrive();
        seen.add(told);
        expect(service.applied.size).toBeLessThanOrEqual(1);
        if (told === "rejected") expect(service.applied.size).toBe(0);
        if (told.startsWith("applied")) expect([told, service.applied.size]).toEqual(["applied as 1", 1]);
        expect(world.platform.pending).toBe(0);
      },
    ),
    { numRuns: 500 },
  );
  expect([...seen].sort()).toEqual(["applied as 1", "rejected", "unknown"]);
});
