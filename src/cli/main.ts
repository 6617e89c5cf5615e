// The command line's root: parses arguments, runs one command, turns what it throws into a message and an exit code.
import { OperatorError } from "@tidemark/protocol";
import { Command, CommanderError } from "commander";
import { serveCommand } from "./serve-command.js";

const program = new Command("tidemark")
  .description("A durable, sequenced document-stream service.")
  .exitOverride()
  .addCommand(serveCommand().exitOverride());

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  if (error instanceof OperatorError) {
    process.stderr.write(`error: ${error.message} (${error.code})\n${error.hint}\n`);
    process.exit(1);
  }
  throw error;
}
