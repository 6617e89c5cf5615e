// Puts the server on one core and the load on another, where the machine allows it. It never changes what is run.
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

const CORES = { server: 0, load: 1 } as const;
const possible = availableParallelism() >= 2 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** What to run so that the program stays on its core. */
export function pinned(role: keyof typeof CORES, command: string, args: readonly string[]): [string, string[]] {
  return possible ? ["taskset", ["-c", String(CORES[role]), command, ...args]] : [command, [...args]];
}

/** One line on how this run is pinned. */
export function pinningNote(): string {
  return possible
    ? `server on core ${CORES.server}, load on core ${CORES.load} (taskset)`
    : "NOT PINNED: server and load share cores (no taskset or one core only); ratios are unreliable";
}
