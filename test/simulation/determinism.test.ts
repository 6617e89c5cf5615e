// The same seed is the same run: in one process, and in another.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { keeping } from "./command/schedule.js";
import { scenarioOf } from "./scenario.js";
import { simulate } from "./simulation.js";

const run = promisify(execFile);
const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const hashOf = async (seed: number): Promise<string> => (await simulate(scenarioOf(seed))).hash;

/** As the command prints it. */
async function traceOf(seed: number): Promise<string | undefined> {
  const script = new URL("./run.ts", import.meta.url).pathname;
  const flags = ["--conditions=source", "--import", "tsx", script, "--seed", String(seed)];
  const { stdout } = await run(process.execPath, flags);
  return /^trace (.*)$/m.exec(stdout)?.[1];
}

describe("a seed", () => {
  it("has the same trace each time", async () => {
    const first: string[] = [];
    for (const seed of SEEDS) first.push(await hashOf(seed));
    const again: string[] = [];
    // In another order: nothing is left over from one run for the next.
    for (const seed of [...SEEDS].reverse()) again.unshift(await hashOf(seed));
    expect(again).toEqual(first);
    expect(new Set(first).size).toBe(SEEDS.length);
  });

  it("has the same trace in another process", async () => {
    // Not that of this process: the source text of views is part of their tags, and is compiled in another way here.
    const traces = await Promise.all([1, 2, 1, 2].map(traceOf));
    expect(traces.slice(2)).toEqual(traces.slice(0, 2));
    expect(traces[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(traces[0]).not.toBe(traces[1]);
  });

  it("has another trace when anything of its schedule is left out", async () => {
    const scenario = scenarioOf(1);
    const { hash } = await simulate(keeping(scenario, [0, 1, 2]));
    expect(hash).not.toBe(await hashOf(1));
  });
});
