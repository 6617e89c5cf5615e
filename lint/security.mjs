// Runs the tests of attacks, and prints which of them stand for which row of docs/SECURITY.md. Fails when one failed, or when
// a row has none that passed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attacks, citations, citedIn } from "./citations.mjs";

const rows = attacks();
const citesRow = (ids) => [...ids].some((id) => rows.has(id));
const files = [...citations()]
  .filter(([file, ids]) => file.endsWith(".test.ts") && citesRow(ids))
  .map(([file]) => file);

const tests = (await run(files)).filter(({ ids, status }) => status !== "skipped" && citesRow(ids));
const unmet = [...rows.keys()].filter((row) => !of(row).some(({ status }) => status === "passed"));
for (const [row, what] of rows) print(row, what);
const passed = tests.filter(({ status }) => status === "passed").length;
console.log(
  `\n${rows.size} rows, ${rows.size - unmet.length} with tests that pass; ${passed} of ${tests.length} attacks held`,
);
if (passed < tests.length || unmet.length > 0) process.exitCode = 1;

function of(row) {
  return tests.filter(({ ids }) => ids.includes(row));
}

function print(row, what) {
  const all = of(row);
  const good = all.filter(({ status }) => status === "passed").length;
  console.log(`\n${row.padEnd(4)}${what}: ${all.length === 0 ? "NO TEST" : `${good} of ${all.length} held`}`);
  for (const { name, status } of all) console.log(`      ${status === "passed" ? "held  " : "FAILED"} ${name}`);
}

/** Every test of these files, by what it cites. */
async function run(paths) {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-security-"));
  const report = join(folder, "report.json");
  const asked = ["--testNamePattern", String.raw`\[S\d+\]`, "--reporter=dot", "--reporter=json"];
  const vitest = spawn("npx", ["vitest", "run", ...paths, ...asked, `--outputFile.json=${report}`], {
    stdio: "inherit",
  });
  const [code] = await once(vitest, "exit");
  if (code !== 0) process.exitCode = 1;
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  rmSync(folder, { recursive: true });
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .map(({ fullName, status }) => ({
      name: fullName.replaceAll(/\[[A-Z\d-]+\] /g, ""),
      status,
      ids: citedIn(fullName),
    }));
}
