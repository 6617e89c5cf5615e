// The sum of what clients say, whatever they say.
import type { Json, JsonObject } from "@tidemark/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ClientReports } from "../../../src/session/client-reports.js";

const HOSTILE: readonly Json[] = [
  -1,
  -1e308,
  1e308,
  0,
  "7",
  null,
  true,
  [1],
  { sum: 1 },
  Number.NaN,
  Number.POSITIVE_INFINITY,
];

it("[HEAD-5] [R19] a lie is one report of many: sums stay finite, and nothing is counted that is no number from 0 up", () => {
  const reports = new ClientReports();
  for (const value of HOSTILE) reports.add({ late: value, rttMs: value });
  for (let n = 0; n < 50_000; n += 1) reports.add({ "healed.gap": 1e308, rttMs: 1e308 });
  const { counted, measured } = reports.take();
  expect(counted["late"]?.reports).toBe(2);
  expect(counted["healed.gap"]).toMatchObject({ reports: 50_000, sum: Number.MAX_SAFE_INTEGER });
  expect(measured["rttMs"]?.atMost).toEqual({ Infinity: 50_002 });
});

it("[HEAD-5] [R14] nobody makes it larger by inventing names", () => {
  const name = fc.oneof(
    fc.constantFrom("late", "rttMs", "healed.gap", "__proto__", "constructor", "toString"),
    fc.string(),
  );
  const stats = fc.dictionary(name, fc.oneof(fc.double(), fc.constant<Json>("x"))) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(fc.array(stats, { maxLength: 20 }), (all) => {
      const reports = new ClientReports();
      for (const one of all) reports.add(one);
      const { counted, measured, reports: count } = reports.take();
      expect(count).toBe(all.length);
      const names = [...Object.keys(counted), ...Object.keys(measured)];
      expect(
        names.filter((known) => !["late", "rttMs", "healed.gap"].includes(known) && !/^[a-zA-Z.]+$/.test(known)),
      ).toEqual([]);
      expect(names).not.toContain("constructor");
      for (const { sum, max } of [...Object.values(counted), ...Object.values(measured)]) {
        expect(Number.isFinite(sum) && sum >= 0 && max <= sum).toBe(true);
      }
      expect(reports.take()).toEqual({ reports: 0, counted: {}, measured: {} });
    }),
  );
});
