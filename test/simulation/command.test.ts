// The parts of `npm run simulate`: parts of schedules and their names, shrinking, progress that survives, and what it says
// of wrong input.
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { runCampaign } from "./command/campaign.js";
import { readProgress, writeProgress } from "./command/progress-file.js";
import { formatKept, keeping, lengthOf, parseKept } from "./command/schedule.js";
import { shrink } from "./command/shrink.js";
import { summaryOf } from "./command/summary.js";
import { noTotals } from "./command/totals.js";
import { FAULT_NAMES } from "./faults/fault.js";
import { MUTANTS } from "./mutants/mutants.js";
import { readCaughtBy } from "./mutants/recorded.js";
import { scenarioOf } from "./scenario.js";
import { simulate } from "./simulation.js";

const run = promisify(execFile);
const fileName = (): string => join(mkdtempSync(join(tmpdir(), "simulate-")), "progress.json");

describe("a part of a schedule", () => {
  it("is named by numbers and ranges", () => {
    expect(formatKept([9, 3, 10, 11, 7])).toBe("3,7,9-11");
    expect(parseKept("3, 7,9-11")).toEqual([3, 7, 9, 10, 11]);
    expect(parseKept(formatKept([]))).toEqual([]);
    for (const wrong of ["", "a", "3-1", "-2", "1,,2", "1.5"]) expect(() => parseKept(wrong)).toThrow(RangeError);
  });

  it("keeps the numbers of the whole, and has none beyond it", () => {
    const whole = scenarioOf(1);
    const { faults, deeds } = keeping(whole, [0, whole.faults.length]);
    expect([...faults, ...deeds]).toEqual([whole.faults[0], whole.deeds[0]]);
    expect(() => keeping(whole, [lengthOf(whole)])).toThrow(/seed 1 has no \d+/);
  });

  it("is shrunk to what still breaks the rule", async () => {
    const plant = MUTANTS.find(({ name }) => name === "no-dedupe");
    if (plant === undefined) throw new Error("there is no such mutant");
    const whole = scenarioOf(readCaughtBy()["no-dedupe"] ?? 1);
    const { kept } = await shrink(whole, "R6", { plant });
    expect(kept.length).toBeLessThan(lengthOf(whole) / 4);
    const { problems } = await simulate(keeping(whole, kept), { plant });
    expect(problems.map(({ rule }) => rule)).toContain("R6");
  });
});

describe("a campaign", () => {
  it("comes to the same in two parts as in one", async () => {
    const file = fileName();
    const whole = await runCampaign({ from: 1, seeds: 6, nowMs: () => 0, ran: async () => false });
    await runCampaign({
      from: 1,
      seeds: 6,
      nowMs: () => 0,
      ran: async (_outcome, progress) => {
        writeProgress(file, { fingerprint: "f", from: 1, ...progress });
        return progress.next === 4;
      },
    });
    const begun = readProgress(file);
    expect(begun).toMatchObject({ fingerprint: "f", from: 1, next: 4, totals: { seeds: 3 } });
    if (begun === undefined) throw new Error("nothing was kept");
    expect(await runCampaign({ from: 1, seeds: 6, begun, nowMs: () => 0, ran: async () => false })).toEqual(whole);
  });

  it("says how many faults of each kind there were, and what was healed", () => {
    const summary = summaryOf({ ...noTotals(), seeds: 2, healed: { ...noTotals().healed, behind: 3 } });
    expect(summary).toContain("3 divergences healed: behind 3");
    for (const name of FAULT_NAMES) expect(summary).toContain(`${name} 0`);
  });

  it("refuses a file that is something else", () => {
    const file = fileName();
    expect(readProgress(file)).toBeUndefined();
    writeFileSync(file, '{"format":2}');
    expect(() => readProgress(file)).toThrow(/is not the progress of a simulation/);
  });
});

describe("npm run simulate", () => {
  const simulateWith = async (...flags: string[]): Promise<{ readonly code: number; readonly text: string }> => {
    const script = new URL("./run.ts", import.meta.url).pathname;
    const node = ["--conditions=source", "--import", "tsx", script, ...flags];
    return run(process.execPath, node).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stderr: string; stdout: string }) => ({
        code: error.code,
        text: error.stdout + error.stderr,
      }),
    );
  };

  it("names what is wrong with its flags, and does nothing", async () => {
    const cases = [
      [["--seed", "x"], "must be a whole number"],
      [["--trace"], "--trace goes with --seed"],
      [["--seed", "1", "--keep", "9999"], "seed 1 has no 9999"],
      [["--faults", "flood"], 'There is no fault "flood"'],
    ] as const;
    const answers = await Promise.all(cases.map(([flags]) => simulateWith(...flags)));
    for (const [index, [, text]] of cases.entries()) {
      expect(answers[index]?.text).toContain(text);
      expect(answers[index]?.code).toBe(2);
    }
  });

  it("runs a part of a seed with a planted bug, and fails", async () => {
    const flags = ["--seed", "1", "--plant", "heartbeat-without-heads", "--keep", "none"];
    const { code, text } = await simulateWith(...flags);
    expect(text).toContain("HEAD-1");
    expect(code).toBe(1);
  });
});
