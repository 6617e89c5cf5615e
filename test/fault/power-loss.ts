// `npm run power-loss`: the promises of durability against the real server process, at any scale. It prints what it did
// and exits 1 when anything that was acknowledged is lost, or when the check itself cannot catch a planted loss.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { describeVerdict, judgeRun, type Verdict } from "./judge.js";
import { type KillPoint, type KillReport, KillSeries, samplePoints } from "./kill-points.js";
import { recordRun, type Variant } from "./recorded-run.js";
import { countEvents } from "./trace.js";

const USAGE = `usage: npm run power-loss -- [--states 400] [--messages 1500] [--seed N]
       npm run power-loss -- --kill-points [--sample N] [--messages 200] [--seed N]`;

/** In a row, without a kill: the run has no such call any more. */
const MISSES_MAX = 3;
/** Servers that are killed at the same time, each over its own file. */
const LANES = 2;

const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
let shownAt = 0;

function progress(line: string, always = false): void {
  const now = performance.now();
  if (!always && now - shownAt < 2_000) return;
  shownAt = now;
  console.error(`[${seconds()}] ${line}`);
}

function flags(): { states: number; messages: number | undefined; seed: number; killPoints: boolean; sample: number } {
  const { values } = parseArgs({
    options: {
      states: { type: "string", default: "400" },
      messages: { type: "string" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      "kill-points": { type: "boolean", default: false },
      sample: { type: "string", default: "0" },
    },
  });
  const { states, seed, sample, messages } = values;
  const numbers = {
    states: Number(states),
    seed: Number(seed),
    sample: Number(sample),
    messages: Number(messages ?? 1),
  };
  if (Object.values(numbers).some((value) => !Number.isSafeInteger(value) || value < 0)) throw new TypeError(USAGE);
  return {
    ...numbers,
    messages: messages === undefined ? undefined : numbers.messages,
    killPoints: values["kill-points"],
  };
}

interface PowerOptions {
  readonly directory: string;
  readonly variant: Variant;
  readonly states: number;
  readonly messages: number;
  readonly seed: number;
}

async function powerLoss({ directory, variant, states, messages, seed }: PowerOptions): Promise<Verdict> {
  const of = `${variant}: `;
  const run = await recordRun({
    ...{ directory: `${directory}/${variant}`, variant, messages, seed },
    progress: (answered) => progress(`${of}${answered} of ${messages} calls answered`),
  });
  for (const { trace } of run.processes) {
    const { write, truncate, "sync-end": synced, send } = countEvents(trace);
    progress(`${of}recorded ${write} writes, ${truncate} truncates, ${synced} syncs, ${send} sends`, true);
  }
  return judgeRun({
    ...{ run, states, seed, directory: `${directory}/state` },
    progress: (judged) => progress(`${of}${judged} of ${states} states`),
  });
}

function show(title: string, verdict: Verdict, details: number): void {
  console.log(`${title}\n  ${describeVerdict(verdict)}`);
  for (const { process, event, phase, violations } of verdict.broken.slice(0, details)) {
    console.log(
      `  server ${process}, event ${event} (${phase}): ${violations
        .slice(0, 3)
        .map((one) => one.what)
        .join("; ")}`,
    );
  }
}

async function powerLossMain(directory: string, options: ReturnType<typeof flags>): Promise<boolean> {
  const { states, seed, messages = 1_500 } = options;
  const full = await powerLoss({ directory, variant: "full", states, messages, seed });
  show("as shipped (synchronous=FULL)", full, 20);
  let caught = true;
  for (const variant of ["normal", "early"] as const) {
    const planted = await powerLoss({ directory, variant, states: Math.min(states, 100), messages: 400, seed });
    show(
      variant === "normal" ? "planted: synchronous=NORMAL" : "planted: acknowledged before the sync is done",
      planted,
      0,
    );
    if (planted.lost === 0) caught = false;
  }
  const phasesMet = Object.values(full.byPhase).every((count) => count > 0) || states < 40;
  if (!caught) console.log("FAILED: a planted loss was not caught, so this check proves nothing");
  if (!phasesMet) console.log("FAILED: no state fell into one of the phases; send more messages");
  if (full.broken.length > 0) console.log(`FAILED: ${full.broken.length} of ${full.states} states broke a promise`);
  return caught && phasesMet && full.broken.length === 0;
}

/** Lane `lane` of LANES takes every LANES-th call of each kind. */
async function killEach(series: KillSeries, lane: number): Promise<void> {
  for (const during of ["creation", "service", "start"] as const) {
    for (const what of ["write", "sync"] as const) {
      // How many calls a run takes differs a little from one to the next.
      for (let first = lane + 1, misses = 0; misses < MISSES_MAX; first += LANES) {
        misses = (await killAt(series, { what, first, during })) ? 0 : misses + 1;
      }
      progress(`lane ${lane}: every ${what} of ${during} is done, ${series.report.killed} kills so far`, true);
    }
  }
}

async function killAt(series: KillSeries, point: KillPoint): Promise<boolean> {
  const fired = await series.kill(point);
  progress(`${point.what} ${point.first} of ${point.during}: ${fired ? "killed" : "not reached"}`);
  return fired;
}

async function killLane(series: KillSeries, lane: number, points: readonly KillPoint[]): Promise<void> {
  if (points.length === 0) await killEach(series, lane);
  else for (const point of points.filter((_, index) => index % LANES === lane)) await killAt(series, point);
  await series.finish();
}

async function killPointsMain(directory: string, options: ReturnType<typeof flags>): Promise<boolean> {
  const { sample, seed, messages = 200 } = options;
  const points = samplePoints(sample, seed);
  const lanes = Array.from({ length: LANES }, (_, lane) => {
    return new KillSeries({ directory: `${directory}/kill-${lane}`, messages, seed: seed + lane });
  });
  await Promise.all(lanes.map((series, lane) => killLane(series, lane, points)));
  const reports = lanes.map((series) => series.report);
  const sum = (count: (report: KillReport) => number): number => reports.reduce((all, one) => all + count(one), 0);
  const [killed, acknowledged] = [sum((one) => one.killed), sum((one) => one.acknowledged)];
  const problems = reports.flatMap((report) => report.problems);
  console.log(
    `${killed} kills; ${acknowledged} calls acknowledged, ${sum((one) => one.unanswered)} cut off; ` +
      `${problems.length} problems`,
  );
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`);
  if (killed === 0) console.log("FAILED: no kill fired");
  if (problems.length > 0) console.log(`FAILED: ${problems.length} problems`);
  return killed > 0 && problems.length === 0;
}

const options = flags();
const directory = realpathSync(mkdtempSync(`${tmpdir()}/tidemark-power-loss-`));
console.log(`seed ${options.seed}`);
try {
  const good = await (options.killPoints ? killPointsMain : powerLossMain)(directory, options);
  console.log(`${good ? "ok" : "failed"} in ${seconds()}`);
  process.exitCode = good ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
