// A record as a benchmark would have written it, for what is made of records.
import type { BenchRecord, CurveRecord, ScenarioRecord } from "../../bench/record.js";
import type { Figures, Goal } from "../../bench/scenario.js";

const AT = "2026-01-02T03:04:05.000Z";
const LENGTH = { seconds: 4, warmUpSeconds: 2 };

/** One run that came to this. */
export function run(value: number, more: Partial<Figures> = {}): Figures {
  return { value, details: {}, ...more };
}

/** A scenario whose pairs came to these. */
export function scenarioOf(
  id: string,
  {
    goal,
    pairs,
    ...more
  }: { readonly goal?: Goal; readonly pairs: readonly (readonly [number, number])[] } & Partial<
    Omit<ScenarioRecord, "pairs" | "goal">
  >,
): ScenarioRecord {
  return {
    ...{ id, title: `what ${id} is about`, unit: "calls/s", subject: "tidemark", peer: "ws echo", length: LENGTH },
    ...{ command: `npm run bench -- ${id}`, ...(goal === undefined ? {} : { goal }), ...more },
    pairs: pairs.map(([subject, peer]) => ({ at: AT, tookSeconds: 12, subject: run(subject), peer: run(peer) })),
  };
}

/** A curve of one series through these points. */
export function curveOf(id: string, points: readonly (readonly [x: number, value: number | null])[]): CurveRecord {
  return {
    ...{ id, title: `what ${id} shows`, command: `npm run bench -- ${id}`, length: LENGTH },
    x: { label: "subscribers", scale: "log" },
    y: { label: "deliveries", unit: "deliveries/s", scale: "log" },
    points: points.map(([x, value]) => ({
      ...{ series: "tidemark", x, round: 0, at: AT, tookSeconds: 6 },
      figures: value === null ? null : run(value),
    })),
  };
}

/** The whole file. */
export function recordOf(scenarios: readonly ScenarioRecord[], curves: readonly CurveRecord[] = []): BenchRecord {
  return {
    format: 1,
    machine: { processor: "Abacus", cores: 2, memoryGb: 8, kernel: "6.1", node: "v20.20.2", filesystem: "ext4" },
    commit: { id: "0123456789", changes: null },
    ...{ scenarios, curves },
  };
}
