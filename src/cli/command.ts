// What all commands have in common: how they refuse a wrong command line, where help and examples stand, `--json`.
import { Command } from "commander";

/** One example in a command's help: what it does, and what to type. */
export interface Example {
  readonly does: string;
  readonly type: string;
}

/** A command that throws CommanderError instead of ending the process, with `--json` and examples in its help. */
export function describeCommand(name: string, summary: string, examples: readonly Example[]): Command {
  const shown = examples.map(({ does, type }) => `  # ${does}\n  ${type}`).join("\n");
  return new Command(name)
    .exitOverride()
    .description(summary)
    .option("--json", "print results as one line of JSON each, and everything else as JSON on standard error")
    .showHelpAfterError(`See: tidemark ${name} --help`)
    .addHelpText("after", `\nExamples:\n${shown}`);
}
