import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { replay } from "./run.js";

const ONE_DAY = fileURLToPath(new URL("../../examples/irc-log/lines", import.meta.url));

it("[R1] [R3] [R4] [R6] [R20] a day of real lines survives kills and cuts, line by line", async () => {
  const result = await replay({
    data: ONE_DAY,
    subscribersPerDocument: 6,
    kills: 2,
    cuts: 12,
    faults: 5,
    foldRows: 200,
    progress: () => undefined,
  });
  expect(result.failures).toEqual([]);
  expect(result.verdict).toEqual({ lost: 0, duplicated: 0, reordered: 0, divergent: 0, notes: [] });
  expect(result).toMatchObject({ lines: 1_500, acks: 1_500, kills: 2, cuts: 12, faults: 5 });
  expect(result.folds).toBeGreaterThan(0);
  expect(result.replays + result.snapshots).toBeGreaterThan(0);
});
