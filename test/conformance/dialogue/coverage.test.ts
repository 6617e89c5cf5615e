import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { coverage, coverageTable, specRules, unscripted } from "./coverage.js";

const README = readFileSync(new URL("../../../protocol/dialogues/README.md", import.meta.url), "utf8");

it("every rule of the protocol has a dialogue or a reason why not, and nothing is said of rules that are none", () => {
  const rows = coverage();
  expect(rows.length).toBeGreaterThan(80);
  const silent = rows.filter(({ server, client, note }) => server.length + client.length === 0 && note === undefined);
  expect(silent.map(({ rule }) => rule)).toEqual([]);
  const rules = specRules();
  expect(Object.keys(unscripted()).filter((rule) => !rules.includes(rule))).toEqual([]);
});

it("the table in the README is what the files say (npm run conformance -- --rules prints it)", () => {
  const written = /<!-- rules -->\n(.*)\n<!-- \/rules -->/s.exec(README)?.[1];
  expect(written).toBe(coverageTable(coverage()));
});
