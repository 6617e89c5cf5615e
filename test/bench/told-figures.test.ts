// What is made of kept figures: medians and verdicts, the committed table, the page, the guard's word.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareWithGuard, isClearlyWorse, recordGuard } from "../../bench/guard.js";
import { commandOf, readOptions } from "../../bench/options.js";
import { ProgressPrinter } from "../../bench/progress.js";
import { curveTable, scenarioTable } from "../../bench/report.js";
import { reportPage } from "../../bench/report-page/write.js";
import { resultsPage } from "../../bench/results.js";
import { chosen, everything, GUARDED } from "../../bench/suites.js";
import { judge } from "../../bench/verdict.js";
import { curveOf, recordOf, run, scenarioOf } from "./recorded.js";

const P5 = scenarioOf("P5", {
  goal: { atLeast: 0.6 },
  pairs: [
    [40_000, 50_000],
    [30_000, 60_000],
    [45_000, 60_000],
  ],
});
const P8 = scenarioOf("P8-lone", { goal: { atMost: 2 }, unit: "ms", peer: "append + sync", pairs: [[0.75, 0.25]] });
const peer = scenarioOf("fan-out-1-aedes", { work: "fan-out, 1 outstanding", peer: "aedes", pairs: [[9_000, 3_000]] });

describe("a verdict", () => {
  test("is the median of the pairs' ratios, not the ratio of medians", () => {
    const { ratio, met, subject } = judge(P5.goal, P5.pairs);
    expect(ratio).toEqual({ median: 0.75, min: 0.5, max: 0.8 });
    expect(subject.median).toBe(40_000);
    expect(met).toBe(true);
    expect(judge(P8.goal, P8.pairs).met).toBe(false);
    expect(judge(undefined, peer.pairs).met).toBeUndefined();
  });

  test("says by CPU where both sides know theirs, and whose load was saturated", () => {
    const pair = {
      subject: run(10, { perCpuSecond: 20, loadCpu: 0.5 }),
      peer: run(5, { perCpuSecond: 5, loadCpu: 0.95 }),
    };
    const { ratioByCpu, saturated } = judge(undefined, [pair]);
    expect(ratioByCpu).toBe(4);
    expect(saturated).toEqual({ subject: false, peer: true });
  });
});

describe("tables", () => {
  test("have a line for each goal", () => {
    const lines = scenarioTable([P5, P8]).split("\n");
    expect(lines[1]).toMatch(
      /^P5 +tidemark 40,000 +ws echo 60,000 +calls\/s +0\.750 +\(0\.500-0\.800\) +>= 0\.6 +met$/,
    );
    expect(lines[2]).toMatch(/^P8-lone .* 3\.00 +\(3\.00-3\.00\) +<= 2 +NOT MET$/);
  });

  test("of a curve have a row for each x and a dash where nothing was measured", () => {
    const curve = curveOf("G1", [
      [10, 5],
      [10, 7],
      [100, null],
    ]);
    expect(curveTable(curve).split("\n").slice(2)).toEqual(["10           6.00", "100          -"]);
  });

  test("of a curve have a column for each series, and say where it was the load that was measured", () => {
    const points = [
      { series: "tidemark", x: 10, figures: run(4_000) },
      { series: "raw loop", x: 10, figures: run(9_000, { loadCpu: 0.95 }) },
    ].map((point) => ({ ...point, round: 0, at: "2026-01-02T03:04:05.000Z", tookSeconds: 6 }));
    expect(
      curveTable({ ...curveOf("G1", []), points })
        .split("\n")
        .slice(1),
    ).toEqual(["subscribers  tidemark  raw loop", "10           4,000     9,000 (load saturated)"]);
  });

  test("of results name machine and commit, goals, other peers, curves and what failed", () => {
    const failed = {
      ...scenarioOf("P12-few", { goal: { atLeast: 0.9 }, pairs: [] }),
      failure: "the load\nfound a gap",
    };
    const looked = scenarioOf("memory-loaded", { unit: "bytes", subject: "resident", peer: "heap", pairs: [[20, 10]] });
    const page = resultsPage(recordOf([P5, P8, peer, looked, failed], [curveOf("G1", [[10, 5]])]));
    expect(page).toMatch(/## Looked at, without a goal\n\n.*\n.*\n\| memory-loaded \| .*resident: 20.0 bytes/);
    expect(page).toContain("- Machine: 2 x Abacus, 8 GB, Linux 6.1, Node v20.20.2, ext4\n- Commit: 0123456789\n");
    expect(page).toContain("**0.750** (0.500-0.800) |  | >= 0.6 | met | `npm run bench -- P5` |");
    expect(page).toMatch(
      /## Other peers, the same work\n\n.*\n.*\n\| fan-out-1-aedes \| fan-out, 1 outstanding \| aedes/,
    );
    expect(page).toContain("## what G1 shows");
    expect(page).toContain("- P12-few: the load found a gap");
  });
});

test("the page holds the record, its charts' program, and nothing that ends a script early", async () => {
  const odd = { ...P5, title: "</script><script>alert(1)</script>" };
  const page = await reportPage(recordOf([odd], [curveOf("G1", [[10, 5]])]));
  const [, data = ""] = /<script type="application\/json" id="record">(.*)<\/script>\n<script>/.exec(page) ?? [];
  expect(JSON.parse(data)).toMatchObject({ scenarios: [{ title: odd.title }], curves: [{ id: "G1" }] });
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toMatch(/(?:src|href)="?http/);
});

describe("the guard", () => {
  const tolerated = { recorded: 10, tolerance: 0.15 };
  test.each([
    ["a goal that is to be reached, all pairs far below", { atLeast: 1 }, [8.4, 8, 7], true],
    ["one pair near it", { atLeast: 1 }, [8.6, 5, 5], false],
    ["better", { atLeast: 1 }, [20, 30, 40], false],
    ["a goal that is not to be exceeded, all pairs far above", { atMost: 1 }, [11.6, 12, 20], true],
    ["one pair near it", { atMost: 1 }, [11.4, 20, 20], false],
  ])("takes %s for what it is", (_what, goal, ratios, worse) => {
    expect(isClearlyWorse(goal, ratios, tolerated)).toBe(worse);
  });

  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "tidemark-guard-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("compares with what it recorded, and says which ratio is worse", () => {
    const path = join(directory, "guard.json");
    recordGuard(recordOf([P5, P8]), path);
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      commit: "0123456789",
      ratios: { P5: 0.75, "P8-lone": 3 },
    });
    const said: string[] = [];
    const say = (line: string): void => void said.push(line);
    expect(compareWithGuard(recordOf([P5, P8]), say, path)).toBe(true);
    const slower = { ...P5, pairs: P5.pairs.map((pair) => ({ ...pair, subject: run(20_000) })) };
    expect(compareWithGuard(recordOf([slower, P8]), say, path)).toBe(false);
    expect(said.filter((line) => line.includes("CLEARLY WORSE"))).toEqual([expect.stringContaining("P5")]);
  });

  test("does not pass what was never recorded", () => {
    const say = (): void => undefined;
    expect(() => compareWithGuard(recordOf([P5]), say, join(directory, "none.json"))).toThrow("--guard --record");
  });
});

test("what is left of a curve is told by round: as guessed at first, then as the last one took", () => {
  const lines: string[] = [];
  const measurePoint = async (): Promise<undefined> => undefined;
  const curve = { ...curveOf("G1", []), xs: [10, 100], series: [{ name: "tidemark", measurePoint }] };
  const planned = [{ measurable: curve, pairs: 3, left: 2 }];
  const progress = new ProgressPrinter(planned, { seconds: 4, warmUpSeconds: 2 }, (line) => lines.push(line)).of(curve);
  progress.beginPair(1);
  progress.ran("tidemark at 10", run(5_000));
  progress.endPair(60);
  progress.beginPair(2);
  expect(lines).toEqual([
    "G1 (1 of 1), round 2 of 3; about 34 s left",
    "  tidemark at 10   5,000 deliveries/s",
    "G1 (1 of 1), round 3 of 3; about 60 s left",
  ]);
});

describe("what is asked for", () => {
  const ids = (names: string[]): string[] => chosen(names).map(({ id }) => id);

  test("by suite, goal, or part of one, in whichever case", () => {
    expect(ids(["p5", "P8"])).toEqual(["P5", "P8-lone", "P8-third"]);
    expect(ids(["P8-lone"])).toEqual(["P8-lone"]);
    expect(ids(["fan-out"]).sort()).toEqual(["P1", "P2-floor", "P2-naive", "P24", "P4"]);
    expect(readOptions([]).measured).toHaveLength(everything().length);
  });

  test("no two have one id, and what is guarded can be asked for", () => {
    const all = everything().map(({ id }) => id);
    expect(new Set(all).size).toBe(all.length);
    expect(ids(GUARDED.map(({ id }) => id))).toHaveLength(GUARDED.length);
  });

  test.each([
    [["P77"], /there is no P77\n\n(?:.*\n)* {2}fan-out/],
    [["--pairs", "0"], "--pairs takes a whole number of at least 1"],
    [["--seconds", "soon"], "--seconds takes a number of at least 0.1"],
    [["--record"], "--record goes with --guard"],
    [["--guard", "P5"], "--guard measures what it always measures"],
    [["--nonsense"], "--nonsense"],
  ])("%j is refused with what is wrong", (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });

  test("the command of a scenario says what is not the default", () => {
    const { pairs, length } = readOptions(["P5", "--seconds", "2"]);
    expect(commandOf("P5", { pairs, length })).toBe("npm run bench -- P5 --seconds 2");
  });
});
