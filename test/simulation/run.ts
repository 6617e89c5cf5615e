// npm run simulate: runs seeds of the simulation, repeats one, or shows that planted bugs are caught.
import { Command, InvalidArgumentError, Option } from "commander";
import { runMutants } from "./command/run-mutants.js";
import { runSeed } from "./command/run-seed.js";
import { runSeeds } from "./command/run-seeds.js";
import { parseKept } from "./command/schedule.js";
import { FAULT_NAMES, FAULTS, type FaultName, isFaultName } from "./faults/fault.js";
import { MUTANTS } from "./mutants/mutants.js";
import type { Mutant } from "./mutants/mutation.js";
import type { ScenarioOptions } from "./scenario.js";

interface Options {
  readonly seeds?: number;
  readonly from: number;
  readonly seed?: number;
  readonly keep?: readonly number[];
  readonly trace?: true;
  readonly shrink?: true;
  readonly faults?: readonly FaultName[];
  readonly resume?: string;
  readonly mutants?: true | readonly Mutant[];
  readonly record?: true;
  readonly plant?: Mutant;
}

const SEEDS = 2_000;
/** A mutant that needs more than so many is not caught. */
const MUTANT_SEEDS = 500;

const HELP = `
Faults:
${FAULT_NAMES.map((name) => `  ${name.padEnd(16)}${FAULTS[name]}`).join("\n")}

Examples:
  npm run simulate                                   ${SEEDS} seeds
  npm run simulate -- --seeds 50000 --resume p.json  as many, in as many parts as it takes
  npm run simulate -- --seed 17 --trace              one of them, and all that happened
  npm run simulate -- --seed 17 --keep 3,9-12        a part of its schedule
  npm run simulate -- --mutants                      every planted bug, and the seed that shows it

Exit code: 0 clean, 1 something failed or was not caught, 2 wrong usage. docs/SIMULATION.md has more.`;

const command = new Command("npm run simulate --")
  .description("Runs the real server and client in virtual time under seeded faults, and judges every run.")
  .option("--seeds <n>", `how many seeds to run (default: ${SEEDS}; with --mutants: ${MUTANT_SEEDS})`, whole)
  .option("--from <n>", "the first of them", whole, 1)
  .option("--resume <file>", "keep progress in a file, and go on from it")
  .addOption(new Option("--seed <n>", "run this one").argParser(whole).conflicts(["seeds", "resume", "mutants"]))
  .option("--keep <numbers>", "with --seed: only this part of its schedule, such as 3,9-12", kept)
  .option("--trace", "with --seed: print all that happened")
  .option("--shrink", "with --seed: look for a small part of its schedule that fails as well")
  .option("--faults <names>", "only faults of these kinds, with commas; none: no faults", faults)
  .option("--mutants [names]", "look for a seed that shows each planted bug, or each of these", mutants)
  .option("--record", "with --mutants: keep the seeds that were found, for the tests")
  .option("--plant <mutant>", "with --seed: run it with this bug", mutant)
  .addHelpText("after", HELP)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(main);
// Whoever reads along may leave: `| head`.
process.stdout.on("error", () => process.exit());
await command.parseAsync();

async function main(options: Options): Promise<void> {
  const isClean = await chosen(options).catch((error: unknown) => {
    return command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  });
  process.exitCode = isClean ? 0 : 1;
}

function chosen(options: Options): Promise<boolean> {
  const {
    seed,
    seeds,
    from,
    keep,
    trace = false,
    shrink = false,
    plant,
    resume,
    record = false,
    mutants: wanted,
  } = options;
  const scenario: ScenarioOptions = options.faults === undefined ? {} : { faults: options.faults };
  if (seed === undefined) {
    const alone = (["keep", "trace", "shrink", "plant"] as const).find((name) => options[name] !== undefined);
    if (alone !== undefined) return command.error(`error: --${alone} goes with --seed`);
  }
  if (wanted !== undefined) {
    const planted = wanted === true ? MUTANTS : wanted;
    return runMutants({ mutants: planted, seeds: seeds ?? MUTANT_SEEDS, record });
  }
  if (record) return command.error("error: --record goes with --mutants");
  const planted = plant === undefined ? "" : ` --plant ${plant.name}`;
  const flags = (options.faults === undefined ? "" : ` --faults ${options.faults.join(",") || "none"}`) + planted;
  if (seed !== undefined) return runSeed({ seed, scenario, keep, trace, shrink, flags, plant });
  return runSeeds({ from, seeds: seeds ?? SEEDS, scenario, flags, resume });
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function kept(text: string): readonly number[] {
  try {
    return parseKept(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : "");
  }
}

function faults(text: string): readonly FaultName[] {
  if (text === "none") return [];
  return text.split(",").map((part) => {
    const name = part.trim();
    if (isFaultName(name)) return name;
    throw new InvalidArgumentError(`There is no fault "${name}": --help lists them.`);
  });
}

function mutants(text: string): readonly Mutant[] {
  return text.split(",").map((name) => mutant(name.trim()));
}

function mutant(name: string): Mutant {
  const found = MUTANTS.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`There is no mutant "${name}": --mutants lists them.`);
}
