// The page of a benchmark, opened in a real browser: it draws what is in its record, without a network and without an error.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeReport } from "../../bench/report-page/write.js";
import { startBrowser } from "../support/browser.js";
import { curveOf, recordOf, scenarioOf } from "./recorded.js";

let browser: Browser;
let directory: string;
beforeAll(async () => {
  browser = await startBrowser();
  directory = mkdtempSync(join(tmpdir(), "tidemark-report-"));
});
afterAll(async () => {
  await browser.close();
  rmSync(directory, { recursive: true, force: true });
});

test("the page of a benchmark draws goals, peers and curves", async () => {
  const goals = [
    scenarioOf("P5", { goal: { atLeast: 0.6 }, pairs: [[45_000, 60_000]] }),
    scenarioOf("P8-lone", { goal: { atMost: 2 }, pairs: [[0.75, 0.25]] }),
  ];
  const peers = ["aedes", "Logux"].map((peer) => scenarioOf(peer, { peer, work: "fan-out", pairs: [[9_000, 3_000]] }));
  const curve = curveOf("G1", [
    [10, 5],
    [100, 400],
    [1_000, null],
  ]);
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) errors.push(request.url());
  });
  const path = await writeReport(recordOf([...goals, ...peers], [curve]), join(directory, "report.html"));
  await page.goto(pathToFileURL(path).href);
  // One of all goals, one for each, one for the work of the peers, one curve.
  expect(await page.locator(".chart svg").count()).toBe(5);
  expect(await page.locator("header").textContent()).toContain("1 of 2 goals met");
  const charts = (await page.locator(".chart").allTextContents()).join("\n");
  for (const word of ["P8-lone", "3.00, wanted <= 2", "goal", "Logux", "subscribers", "deliveries (deliveries/s)"]) {
    expect(charts).toContain(word);
  }
  expect(await page.locator("table tr").count()).toBe(5);
  expect(errors).toEqual([]);
});
