// What a benchmark keeps: each pair as it ends, so that a run that was cut short goes on where it was.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { measureCurve, measureScenario } from "../../bench/measure.js";
import { RecordFile, readRecord } from "../../bench/record.js";
import type { Curve, Scenario } from "../../bench/scenario.js";
import { SharedRuns } from "../../bench/shared-runs.js";
import { recordOf, run } from "./recorded.js";

const LENGTH = { seconds: 4, warmUpSeconds: 2 };
const { machine, commit } = recordOf([]);
const silent = { beginPair: () => undefined, ran: () => undefined, endPair: () => undefined };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  path = join(directory, "of", "commit.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Says in which order its sides ran; fails from the nth run on, as if it had been cut off there. */
function scenario(ran: string[], failAt = Number.POSITIVE_INFINITY): Scenario {
  const side = (name: string) => ({
    name,
    measure: async () => {
      if (ran.length + 1 >= failAt) throw new Error("cut off");
      ran.push(name);
      return run(ran.length);
    },
  });
  const goal = { atLeast: 0.5 };
  return { id: "P5", title: "calls", unit: "calls/s", subject: side("subject"), peer: side("peer"), goal };
}

function curve(ran: string[]): Curve {
  return {
    ...{ id: "G1", title: "growth", xs: [10, 100] },
    x: { label: "subscribers", scale: "log" },
    y: { label: "deliveries", unit: "deliveries/s", scale: "log" },
    series: ["tidemark", "raw loop"].map((name) => ({
      name,
      measurePoint: async (x) => {
        ran.push(`${name} ${x}`);
        return name === "raw loop" && x === 100 ? undefined : run(x);
      },
    })),
  };
}

const how = (pairs: number) => ({ pairs, length: LENGTH, command: "npm run bench -- P5" });
const open = (resume: boolean): RecordFile => new RecordFile(path, { machine, commit }, { resume });

test("sides take turns, and every run is in the file", async () => {
  const ran: string[] = [];
  await measureScenario(scenario(ran), how(2), { file: open(false), progress: silent });
  expect(ran).toEqual(["subject", "peer", "subject", "peer"]);
  const [kept] = readRecord(path).scenarios;
  expect(kept).toMatchObject({ id: "P5", goal: { atLeast: 0.5 }, command: "npm run bench -- P5", length: LENGTH });
  expect(kept?.pairs.map(({ subject, peer }) => [subject.value, peer.value])).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test("a run that is resumed measures the missing pairs only", async () => {
  const ran: string[] = [];
  const cutOff = measureScenario(scenario(ran, 4), how(3), { file: open(false), progress: silent });
  await expect(cutOff).rejects.toThrow("cut off");
  expect(readRecord(path).scenarios[0]?.pairs).toHaveLength(1);
  const again: string[] = [];
  await measureScenario(scenario(again), how(3), { file: open(true), progress: silent });
  expect(again).toHaveLength(4);
  expect(readRecord(path).scenarios[0]?.pairs).toHaveLength(3);
});

test("a run that is not resumed takes the place of what it measures, and leaves the rest", async () => {
  const first = open(false);
  await measureScenario(scenario([]), how(2), { file: first, progress: silent });
  await measureScenario({ ...scenario([]), id: "P8" }, how(1), { file: first, progress: silent });
  await measureScenario(scenario([]), how(1), { file: open(false), progress: silent });
  expect(readRecord(path).scenarios.map(({ id, pairs }) => [id, pairs.length])).toEqual([
    ["P5", 1],
    ["P8", 1],
  ]);
});

test("a curve is resumed point by point; where there is nothing to measure it says so", async () => {
  const ran: string[] = [];
  await measureCurve(curve(ran), how(1), { file: open(false), progress: silent });
  expect(ran).toEqual(["tidemark 10", "raw loop 10", "tidemark 100", "raw loop 100"]);
  const more: string[] = [];
  await measureCurve(curve(more), how(2), { file: open(true), progress: silent });
  expect(more).toEqual(ran);
  const points = readRecord(path).curves[0]?.points ?? [];
  expect(points).toHaveLength(8);
  expect(points.filter(({ figures }) => figures === null).map(({ series, x }) => [series, x])).toEqual([
    ["raw loop", 100],
    ["raw loop", 100],
  ]);
});

test("several figures of one run are handed out once each, and a run that failed to nobody", async () => {
  let runs = 0;
  const shared = new SharedRuns(async (x) => {
    runs += 1;
    if (runs === 3) throw new Error("cut off");
    return `${runs} at ${x}`;
  });
  const [first, second] = [shared.taker(), shared.taker()];
  expect([await first(10, LENGTH), await first(100, LENGTH)]).toEqual(["1 at 10", "2 at 100"]);
  await expect(first(10, LENGTH)).rejects.toThrow("cut off");
  expect([await second(100, LENGTH), await second(10, LENGTH), await second(10, LENGTH)]).toEqual([
    "2 at 100",
    "1 at 10",
    "4 at 10",
  ]);
  expect(await first(10, LENGTH)).toBe("4 at 10");
});

test("a curve that was cut off within a round goes on at the next point", async () => {
  const ran: string[] = [];
  const [tidemark] = curve(ran).series;
  const failing = { name: "raw loop", measurePoint: () => Promise.reject(new Error("cut off")) };
  const cut = { ...curve(ran), series: tidemark === undefined ? [] : [tidemark, failing] };
  await expect(measureCurve(cut, how(1), { file: open(false), progress: silent })).rejects.toThrow("cut off");
  await measureCurve(curve(ran), how(1), { file: open(true), progress: silent });
  expect(ran).toEqual(["tidemark 10", "raw loop 10", "tidemark 100", "raw loop 100"]);
});

test("a figure that is none fails its run", async () => {
  const nothing = { ...scenario([]), peer: { name: "peer", measure: async () => run(Number.NaN) } };
  await expect(measureScenario(nothing, how(1), { file: open(false), progress: silent })).rejects.toThrow(
    "peer came to NaN",
  );
});

describe("what cannot be resumed is refused, and left as it is", () => {
  const others = [
    ["another commit", { machine, commit: { id: "fedcba9876", changes: null } }, "commit 0123456789, not fedcba9876"],
    ["other changes", { machine, commit: { ...commit, changes: "abc" } }, "other changes to commit 0123456789"],
    ["another machine", { machine: { ...machine, cores: 4 }, commit }, "another machine"],
  ] as const;
  test.each(others)("%s", async (_what, of, message) => {
    await measureScenario(scenario([]), how(1), { file: open(false), progress: silent });
    const before = readFileSync(path, "utf8");
    expect(() => new RecordFile(path, of, { resume: true })).toThrow(message);
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("other lengths of the same scenario", async () => {
    await measureScenario(scenario([]), how(1), { file: open(false), progress: silent });
    const longer = { ...how(2), length: { seconds: 9, warmUpSeconds: 2 } };
    await expect(measureScenario(scenario([]), longer, { file: open(true), progress: silent })).rejects.toThrow(
      "P5 was begun with --seconds 4 --warm-up 2",
    );
  });

  test("a file of something else", () => {
    path = join(directory, "other.json");
    writeFileSync(path, "{}");
    expect(() => open(false)).toThrow("was not written by this benchmark");
  });
});
