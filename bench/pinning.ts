// Puts the server on one core and the load on another, where the machine allows it, and says how far the machine is
// to be trusted. It never changes what is run.
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

/** `any`: where the system puts it, among all that use every core. */
const CORES = { server: "0", load: "1", any: "0,1" } as const;
const possible = availableParallelism() >= 2 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** What to run so that the program stays on its core. */
export function pinned(role: keyof typeof CORES, command: string, args: readonly string[]): [string, string[]] {
  return possible ? ["taskset", ["-c", CORES[role], command, ...args]] : [command, [...args]];
}

/** One line on how this run is pinned. */
export function pinningNote(): string {
  return possible
    ? `server on core ${CORES.server}, load on core ${CORES.load} (taskset)`
    : "NOT PINNED: server and load share cores (no taskset or one core only); ratios are unreliable";
}

const BUSY_SHARE = 0.05;

/** Says so when other programs use the machine now; looks for half a second, in which nothing must be measured. */
export async function busyNote(): Promise<string | undefined> {
  const before = processorTimes();
  await delay(500);
  const after = processorTimes();
  const share = 1 - (after.idle - before.idle) / (after.all - before.all);
  return share > BUSY_SHARE ? `OTHER PROGRAMS USE ${Math.round(share * 100)}% of the machine` : undefined;
}

function processorTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap((time) => Object.values(time))) };
}
