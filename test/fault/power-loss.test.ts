// Power loss and kill -9 against the real server, small enough for every test run; `npm run power-loss` does the same at
// scale. A check that passes a planted loss proves nothing, so the planted ones come first.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeVerdict, judgeRun, type Verdict } from "./judge.js";
import { KillSeries, samplePoints } from "./kill-points.js";
import { recordRun, type Variant } from "./recorded-run.js";

const seed = Number(process.env.TIDEMARK_TEST_SEED ?? Date.now() % 1_000_000);
let directory = "";

beforeAll(() => {
  directory = realpathSync(mkdtempSync(`${tmpdir()}/tidemark-power-loss-`));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const TIMEOUT_MS = 180_000;

async function judged(variant: Variant, messages: number, states: number): Promise<Verdict> {
  const run = await recordRun({ directory: `${directory}/${variant}`, variant, messages, seed });
  return judgeRun({ run, states, seed, directory: `${directory}/${variant}-state` });
}

describe(`power loss, seed ${seed}`, () => {
  it("[R1] the check catches synchronous=NORMAL", { timeout: TIMEOUT_MS }, async () => {
    const verdict = await judged("normal", 120, 40);
    expect(verdict.lost, describeVerdict(verdict)).toBeGreaterThan(0);
  });

  it("[R1] [R2] the check catches an acknowledgement before its sync is done", { timeout: TIMEOUT_MS }, async () => {
    const verdict = await judged("early", 120, 40);
    expect(verdict.lost, describeVerdict(verdict)).toBeGreaterThan(0);
  });

  it("[R1] [R2] [R3] [R6] nothing that was told or shown is lost, and every document reads", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const verdict = await judged("full", 900, 80);
    expect(verdict.broken).toEqual([]);
    expect(verdict.acknowledgements).toBeGreaterThan(1_000);
    for (const [phase, count] of Object.entries(verdict.byPhase)) expect(count, phase).toBeGreaterThan(0);
  });
});

describe(`kill -9 at the Nth write and sync, seed ${seed}`, () => {
  it("[R1] [R6] every answered call answers the same again, and each applied once", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const series = new KillSeries({ directory: `${directory}/kill`, messages: 200, seed });
    for (const point of samplePoints(20, seed)) await series.kill(point);
    await series.finish();
    const { killed, acknowledged, unanswered, problems } = series.report;
    expect(problems).toEqual([]);
    expect(killed).toBeGreaterThan(10);
    expect(acknowledged).toBeGreaterThan(100);
    expect(unanswered).toBeGreaterThan(10);
  });
});
