// `npm run bench`: measures what it is asked for, keeps every pair, and prints the verdicts. It exits 1 when a load found
// anything wrong, since a figure with a gap in it is no figure; a goal that is not met is printed, not an exit code.
import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compareWithGuard, recordGuard } from "./guard.js";
import { type Commit, thisCommit, thisMachine } from "./machine.js";
import { machineLine } from "./machine-line.js";
import { measureCurve, measureScenario } from "./measure.js";
import { commandOf, help, type Options, readOptions } from "./options.js";
import { busyNote, pinningNote } from "./pinning.js";
import { ProgressPrinter } from "./progress.js";
import { RecordFile, readRecord } from "./record.js";
import { curveTable, scenarioTable } from "./report.js";
import { writeReport } from "./report-page/write.js";
import { writeResults } from "./results.js";
import { isCurve, type Measurable } from "./scenario.js";

const RESULTS_DIRECTORY = fileURLToPath(new URL("results/", import.meta.url));

const GUARD_SUFFIX = "-guard.json";

/** The guard's runs are short: they do not take the place of others. */
function pathOf({ id, changes }: Commit, { guard }: Options): string {
  const suffix = guard === undefined ? ".json" : GUARD_SUFFIX;
  return join(RESULTS_DIRECTORY, `${id}${changes === null ? "" : "-changed"}${suffix}`);
}

/** The file that was written last. */
function newestPath(): string {
  let names: string[] = [];
  try {
    names = readdirSync(RESULTS_DIRECTORY).filter((name) => name.endsWith(".json") && !name.endsWith(GUARD_SUFFIX));
  } catch {
    // There is no such directory before the first run.
  }
  const paths = names.map((name) => join(RESULTS_DIRECTORY, name));
  const newest = paths.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs).at(-1);
  if (newest === undefined) throw new Error("nothing was measured yet: npm run bench -- NAMES first, or --json FILE");
  return newest;
}

async function printMachine(file: RecordFile): Promise<void> {
  const { machine, commit } = file.record;
  const busy = await busyNote();
  console.log(`${machineLine(machine)}\n${pinningNote()}`);
  if (busy !== undefined) console.log(`${busy}: expect spread`);
  console.log(`commit ${commit.id}${commit.changes === null ? "" : " with changes"}; ${relative(".", file.path)}\n`);
}

/** Of those to be measured; throws before anything is, when it cannot be gone on with. */
function pairsLeft(measurable: Measurable, file: RecordFile, { pairs, length }: Options): number {
  const there = isCurve(measurable)
    ? (file.curveSoFar(measurable.id, length)?.points.length ?? 0) / (measurable.xs.length * measurable.series.length)
    : (file.scenarioSoFar(measurable.id, length)?.pairs.length ?? 0);
  return Math.max(0, pairs - Math.floor(there));
}

/** True when nothing went wrong. */
async function measureAll(options: Options, file: RecordFile): Promise<boolean> {
  const { measured, pairs, length } = options;
  const planned = measured.map((measurable) => ({ measurable, pairs, left: pairsLeft(measurable, file, options) }));
  const printer = new ProgressPrinter(planned, length, (line) => console.log(line));
  let allRight = true;
  for (const measurable of measured) {
    const how = { pairs, length, command: commandOf(measurable.id, options) };
    const to = { file, progress: printer.of(measurable) };
    try {
      if (isCurve(measurable)) await measureCurve(measurable, how, to);
      else await measureScenario(measurable, how, to);
    } catch (error) {
      allRight = false;
      printer.gaveUp(measurable);
      const failure = messageOf(error);
      file.addFailure(measurable.id, failure);
      console.error(`${measurable.id} FAILED: ${failure}`);
    }
  }
  printVerdicts(options, file);
  return allRight;
}

function printVerdicts({ measured }: Options, { record }: RecordFile): void {
  const isMeasured = ({ id }: { readonly id: string }): boolean => measured.some((one) => one.id === id);
  const table = scenarioTable(record.scenarios.filter(isMeasured));
  const curves = record.curves.filter(isMeasured).map(curveTable);
  console.log(["", table, ...curves].filter((text, i) => i === 0 || text !== "").join("\n\n"));
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(help());
    return 0;
  }
  const { measured, json, resume, results, report, guard } = options;
  const of = { machine: thisMachine(), commit: thisCommit() };
  const path = json ?? (measured.length > 0 ? pathOf(of.commit, options) : newestPath());
  let allRight = true;
  if (measured.length > 0) {
    const file = new RecordFile(path, of, { resume });
    await printMachine(file);
    allRight = await measureAll(options, file);
  }
  if (results) console.log(`wrote ${relative(".", writeResults(readRecord(path)))}`);
  if (report)
    console.log(`wrote ${relative(".", await writeReport(readRecord(path), path.replace(/(\.json)?$/, ".html")))}`);
  if (guard === "record" && allRight) console.log(`wrote ${relative(".", recordGuard(readRecord(path)))}`);
  if (guard === "compare" && allRight) allRight = await passesGuard(path);
  return allRight ? 0 : 1;
}

/** A neighbour that takes half of every pair looks like a slower server; it is said, and passes nothing. */
async function passesGuard(path: string): Promise<boolean> {
  const passes = compareWithGuard(readRecord(path), (line) => console.log(line));
  const busy = passes ? undefined : await busyNote();
  if (busy !== undefined) console.log(`${busy}: run the guard again when it is idle before you look for anything`);
  return passes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 2;
}
