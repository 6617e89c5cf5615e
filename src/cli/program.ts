// The command line as a whole: which commands there are.
import { Command } from "commander";
import { callCommand } from "./call-command.js";
import { devCommand } from "./dev-command.js";
import { edgeCommand } from "./edge-command.js";
import { getCommand } from "./get-command.js";
import { keyCommand } from "./key-command.js";
import { listCommand } from "./list-command.js";
import { publishCommand } from "./publish-command.js";
import { serveCommand } from "./serve-command.js";
import { tailCommand } from "./tail-command.js";
import { tokenCommand } from "./token-command.js";

const EPILOGUE = `
Flags that name a setting can come from the environment, as each command's help says (TIDEMARK_PORT, TIDEMARK_URL, ...).
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by the server, 4 outcome unknown.

Begin with:
  tidemark dev app.ts
  tidemark dev --help`;

const COMMANDS = [
  devCommand,
  serveCommand,
  edgeCommand,
  callCommand,
  publishCommand,
  getCommand,
  tailCommand,
  listCommand,
  tokenCommand,
  keyCommand,
];

/** Describes `tidemark`. */
export function describeProgram(): Command {
  const program = new Command("tidemark")
    .description("Durable, sequenced document streams: serve an application, and look into its documents.")
    .exitOverride()
    .showHelpAfterError("See: tidemark --help")
    .helpCommand("help [command]", "explain a command")
    .addHelpText("after", EPILOGUE);
  for (const describe of COMMANDS) program.addCommand(describe());
  return program;
}
