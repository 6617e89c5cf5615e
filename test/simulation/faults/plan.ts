// Draws a schedule of faults: which kinds a run knows at all (each run another selection, so that faults also meet
// without the rest), how many, when, and for how long. All of them are over when the quiet begins.
import { DOCUMENTS } from "../app/app.js";
import type { Chance } from "../world/chance.js";
import { FAULT_NAMES, type FaultEvent, type FaultName } from "./fault.js";

/** What a schedule is drawn from. */
export interface FaultPlan {
  readonly fromMs: number;
  /** Nothing lasts longer. */
  readonly untilMs: number;
  readonly slots: number;
  readonly watchdogMs: number;
  readonly idleMs: number;
  /** Undefined: whatever the dice say. */
  readonly only: readonly FaultName[] | undefined;
}

/** How likely a run is to know a fault; the others are as likely as not. */
const SELDOM: Partial<Record<FaultName, number>> = {
  restoreBackup: 0.1,
  replaceServer: 0.2,
  sleep: 0.02,
  slowReader: 0.25,
  // Costs as much as several other runs.
  heavyLoad: 0.03,
  wallJumpServer: 0.12,
  wallJumpClient: 0.15,
  clientWiped: 0.15,
  docUnload: 0.3,
  sharedClientId: 0.3,
  duplicateTab: 0.3,
};
const USUAL = 0.35;
/** Those that happen at most once in a run. */
const ONCE: readonly FaultName[] = [
  "restoreBackup",
  "sleep",
  "docUnload",
  "sharedClientId",
  "duplicateTab",
  "replaceServer",
];

/** The faults of a run, in order of time. */
export function planFaults(plan: FaultPlan, chance: Chance): readonly FaultEvent[] {
  const kinds = FAULT_NAMES.filter((name) => {
    const drawn = chance.next() < (SELDOM[name] ?? USUAL);
    return plan.only === undefined ? drawn : plan.only.includes(name);
  });
  const events = kinds.flatMap((name) => {
    const times = ONCE.includes(name) ? 1 : 1 + chance.below(plan.only === undefined ? 3 : 5);
    return Array.from({ length: times }, () => draw(name, plan, chance));
  });
  return events.sort((a, b) => a.atMs - b.atMs);
}

function draw(name: FaultName, plan: FaultPlan, chance: Chance): FaultEvent {
  const { fromMs, untilMs } = plan;
  const roomMs = untilMs - fromMs;
  const forMs = Math.min(duration(name, plan, chance), roomMs * 0.9);
  return {
    atMs: chance.between(fromMs, untilMs - forMs),
    name,
    slot: chance.below(plan.slots),
    documentId: chance.pick(DOCUMENTS),
    forMs,
    amount: chance.next(),
    hard: chance.happens(0.5),
  };
}

function duration(name: FaultName, { watchdogMs, idleMs }: FaultPlan, chance: Chance): number {
  switch (name) {
    case "stall":
    case "partition":
    case "pauseClient":
      // Short ones nobody may notice; long ones everybody must.
      return chance.happens(0.5) ? chance.between(50, 1_500) : chance.between(watchdogMs * 0.8, watchdogMs * 2.2);
    case "slowReader":
    case "heavyLoad":
      // Long enough for more than may wait, and not so long that the client gives its connection up.
      return watchdogMs * 0.7;
    case "pauseServer":
      return chance.between(20, watchdogMs * 1.5);
    case "latency":
    case "jitter":
    case "slowCommit":
    case "refuseConnect":
    case "readFails":
      return chance.between(200, 6_000);
    case "slowTokens":
      return chance.between(3_000, 16_000);
    case "diskFull":
      return chance.between(100, 5_000);
    case "serverCrash":
    case "serverStop":
    case "restoreBackup":
    case "clientCrash":
    case "clientWiped":
    case "switchNetwork":
      return chance.between(50, 4_000);
    case "replaceServer":
      return chance.between(1_000, 9_000);
    case "docUnload":
      return 5_000 + idleMs * 1.3 + chance.between(2_000, 3_000);
    default:
      return 0;
  }
}

/** How far wall clocks jump, ms; longer ones pass every deadline, the longest the horizon of requests. */
export const WALL_JUMPS_MS = [
  -3_600_000,
  -90_000,
  -5_000,
  -200,
  200,
  5_000,
  90_000,
  3_600_000,
  8 * 86_400_000,
] as const;
