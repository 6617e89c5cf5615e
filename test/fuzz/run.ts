// npm run fuzz: changes inputs at random for so many minutes and looks for what the product must never do. What
// reaches new code and what is found wrong is kept, also when the run is broken off, and the tests run it again.
import { Command, InvalidArgumentError } from "commander";
import { seededRandom } from "../support/virtual-runtime.js";
import { findingsFile, formatInput, keepFinding, parseInput, readCorpus, readFindings, writeCorpus } from "./corpus.js";
import { Coverage } from "./coverage.js";
import { type Finding, Fuzzer } from "./fuzzer.js";
import { HangWatch } from "./hang-watch.js";
import { HeapWatch } from "./heap-watch.js";
import type { Input, Target } from "./target.js";
import { TARGETS } from "./targets.js";

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly target?: readonly string[];
  readonly input?: Input;
}

const MINUTE_MS = 60_000;
const KEEP_EVERY_MS = 5_000;
const EXIT = { found: 1, usage: 2, interrupted: 130 } as const;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const NAMES = TARGETS.map(({ name }) => name);

const command = new Command("npm run fuzz --")
  .description("Feeds changed inputs to the product and looks for crashes, slow inputs, growth and broken promises.")
  .option("--minutes <n>", "how long, all targets together", positive, 1)
  .option("--seed <n>", "where chance begins", positive, 1 + Math.floor(performance.timeOrigin % 1_000_000))
  .option("--target <name...>", `only these: ${NAMES.join(", ")}`)
  .option("--input <line>", "run this one input, as a finding prints it, on the one target given", inputOf)
  .addHelpText(
    "after",
    "\nInputs that reach new code are kept in test/fuzz/corpus, findings in test/fuzz/findings: commit both, for the tests\n" +
      "run all of them. Ends with 0 when nothing was found, 1 when something was, 2 for wrong usage.",
  )
  .showHelpAfterError("(--help says more)")
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.usage))
  .action(main);

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
await command.parseAsync();

async function main({ minutes, seed, target: names = NAMES, input }: Options): Promise<void> {
  const targets = names.map(targetOf);
  const [only, ...others] = targets;
  if (input !== undefined) {
    if (only === undefined || others.length > 0) return command.error("error: --input needs one --target");
    return replayOne(only, input);
  }
  console.log(`fuzzing ${names.join(", ")} for ${minutes} minutes, seed ${seed}`);
  for (const target of targets) {
    const finding = await fuzz(target, { seed, ms: (minutes * MINUTE_MS) / targets.length });
    if (finding !== undefined) return report(finding);
    if (interrupted.signal.aborted) break;
  }
  console.log(`nothing was found${interrupted.signal.aborted ? " before it was broken off" : ""}`);
  if (interrupted.signal.aborted) process.exitCode = EXIT.interrupted;
}

async function replayOne(target: Target, input: Input): Promise<void> {
  const fuzzer = new Fuzzer({ target, random: seededRandom(1), coverage: undefined, corpus: [], cpuMs });
  const reason = await fuzzer.judge(input);
  console.log(reason === undefined ? "this input does no harm" : `${target.name}: ${reason}`);
  if (reason !== undefined) process.exitCode = EXIT.found;
}

async function fuzz(target: Target, { seed, ms }: { seed: number; ms: number }): Promise<Finding | undefined> {
  const { name } = target;
  const coverage = new Coverage();
  coverage.start();
  const corpus = readCorpus(name);
  const hang = new HangWatch({ target: name, file: findingsFile(name) });
  let line = "";
  const onRun = (input: Input): void => {
    line = formatInput(input);
    hang.begins(line);
  };
  // What breaks outside of the call that caused it would end the process and take the input with it.
  const onUncaught = (error: unknown): never => {
    report({
      target: name,
      input: parseInput(line) ?? [],
      reason: error instanceof Error ? `${error.stack}` : `${error}`,
    });
    process.exit(EXIT.found);
  };
  process.on("uncaughtException", onUncaught);
  const known = [...readFindings(name), ...corpus];
  const fuzzer = new Fuzzer({ target, random: seededRandom(seed), coverage, corpus: known, cpuMs, onRun });
  const heap = new HeapWatch();
  const finding = await hunt(fuzzer, { ms, heap, name, keep: () => writeCorpus(name, [...corpus, ...fuzzer.kept]) });
  process.off("uncaughtException", onUncaught);
  await hang.stop();
  coverage.stop();
  process.stderr.write("\n");
  console.log(
    `${name}: ${fuzzer.runs} runs, ${coverage.characters} characters of code, ${fuzzer.kept.length} inputs kept, heap ${heap.text}`,
  );
  return finding;
}

interface Hunt {
  readonly ms: number;
  readonly heap: HeapWatch;
  readonly name: string;
  /** Writes down what was kept so far. */
  readonly keep: () => void;
}

async function hunt(fuzzer: Fuzzer, { ms, heap, name, keep }: Hunt): Promise<Finding | undefined> {
  const beganMs = performance.now();
  let keptMs = beganMs;
  let kept = 0;
  let finding = await fuzzer.replay();
  while (finding === undefined && performance.now() - beganMs < ms && !interrupted.signal.aborted) {
    finding = (await fuzzer.batch()) ?? heap.look(name);
    progress(`${name}: ${fuzzer.runs} runs, ${fuzzer.kept.length} kept`);
    if (fuzzer.kept.length === kept || performance.now() - keptMs < KEEP_EVERY_MS) continue;
    kept = fuzzer.kept.length;
    keptMs = performance.now();
    keep();
  }
  if (fuzzer.kept.length > kept) keep();
  return finding;
}

function report({ target, input, reason }: Finding): void {
  process.exitCode = EXIT.found;
  console.error(`\n${target}: ${reason}\n`);
  // The heap grows with many inputs: there is none to show.
  if (input.length === 0) return;
  const line = formatInput(input);
  console.error(`added to ${keepFinding({ target, line, reason })}, which the tests run; again by:`);
  console.error(`npm run fuzz -- --target ${target} --input "${line}"`);
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}

function targetOf(name: string): Target {
  const target = TARGETS.find((candidate) => candidate.name === name);
  return target ?? command.error(`error: there is no target ${name}: choose from ${NAMES.join(", ")}`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}

function inputOf(text: string): Input {
  const input = parseInput(text);
  if (input !== undefined) return input;
  throw new InvalidArgumentError("It must be frames in base64 with spaces between, as a finding prints them.");
}
