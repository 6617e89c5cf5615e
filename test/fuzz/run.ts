// npm run fuzz: changes inputs at random for so many minutes and looks for what the product must never do. What
// reaches new code is kept for the next run; a finding is printed with the command that shows it again.
import { Command, InvalidArgumentError } from "commander";
import { seededRandom } from "../support/virtual-runtime.js";
import { formatInput, parseInput, readCorpus, writeCorpus } from "./corpus.js";
import { Coverage } from "./coverage.js";
import { type Finding, Fuzzer } from "./fuzzer.js";
import { HeapWatch } from "./heap-watch.js";
import type { Target } from "./target.js";
import { TARGETS } from "./targets.js";

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly target: readonly string[];
  readonly input?: string;
}

const MINUTE_MS = 60_000;
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

const NAMES = TARGETS.map(({ name }) => name);

const command = new Command("npm run fuzz --")
  .description("Feeds changed inputs to the product and looks for crashes, slow inputs, growth and broken promises.")
  .option("--minutes <n>", "how long, all targets together", positive, 1)
  .option("--seed <n>", "where chance begins", positive, 1 + Math.floor(performance.timeOrigin % 1_000_000))
  .option("--target <name...>", `only these: ${NAMES.join(", ")}`, NAMES)
  .option("--input <line>", "run this one input, as a finding prints it, on the one target given")
  .action(main);
await command.parseAsync();

async function main(options: Options): Promise<void> {
  const targets = options.target.map(targetOf);
  const [only] = targets;
  if (options.input !== undefined && only !== undefined) return replayOne(only, options.input);
  console.log(`fuzzing ${options.target.join(", ")} for ${options.minutes} minutes, seed ${options.seed}`);
  const share = (options.minutes * MINUTE_MS) / targets.length;
  for (const target of targets) {
    const finding = await fuzz(target, { seed: options.seed, ms: share });
    if (finding !== undefined) return report(finding);
  }
  console.log("nothing was found");
}

async function replayOne(target: Target, line: string): Promise<void> {
  await target.run(parseInput(line));
  console.log("this input does no harm");
}

async function fuzz(target: Target, { seed, ms }: { seed: number; ms: number }): Promise<Finding | undefined> {
  const coverage = new Coverage();
  coverage.start();
  const corpus = readCorpus(target.name);
  const fuzzer = new Fuzzer({ target, random: seededRandom(seed), coverage, corpus, cpuMs });
  const beganMs = performance.now();
  const heap = new HeapWatch();
  let finding = await fuzzer.replay();
  while (finding === undefined && performance.now() - beganMs < ms) {
    finding = (await fuzzer.batch()) ?? heap.look(target.name);
    progress(`${target.name}: ${fuzzer.runs} runs, ${coverage.blocks} blocks, ${fuzzer.kept.length} kept`);
  }
  coverage.stop();
  process.stderr.write("\n");
  if (fuzzer.kept.length > 0) writeCorpus(target.name, [...corpus, ...fuzzer.kept]);
  console.log(`${target.name}: ${fuzzer.runs} runs, ${coverage.blocks} blocks, heap ${heap.text}`);
  return finding;
}

function report({ target, input, reason }: Finding): void {
  console.error(`\n${target}: ${reason}\n`);
  console.error(`npm run fuzz -- --target ${target} --input "${formatInput(input)}"`);
  process.exitCode = 1;
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
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}
