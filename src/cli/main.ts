// The command line's root: runs one command, and turns what it throws into words and an exit code.
import { CommanderError } from "commander";
import { EXIT, endWithReader, finish } from "./exit.js";
import { describeFailure } from "./failure.js";
import { Output } from "./output.js";
import { describeProgram } from "./program.js";

async function run(): Promise<number> {
  try {
    await describeProgram().parseAsync();
    return EXIT.done;
  } catch (error) {
    // The parser has said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const failure = describeFailure(error);
    new Output({ json: process.argv.includes("--json") }).failure(failure);
    return failure.exit;
  }
}

endWithReader();
await finish(await run());
