// `npm run conformance`: reads what was typed, and drives a server or a client through all dialogues. Ends with 0 when
// all held, 1 when something did not, 2 when nothing could be run.
import { CODECS } from "@tidemark/protocol";
import { Command, InvalidArgumentError, Option } from "commander";
import { AdapterFailure } from "./client/adapter-process.js";
import { coverage, coverageTable } from "./dialogue/coverage.js";
import { clientDialogues, type Dialogue, serverDialogues } from "./dialogue/dialogue.js";
import { driveClient, driveServer, NothingRan, type RunOptions } from "./drive.js";
import { NoServer } from "./server/connection.js";

interface Options extends Omit<RunOptions, "token"> {
  readonly url?: string;
  readonly client?: string;
  readonly token?: string;
  readonly only: readonly string[];
  readonly list: boolean;
  readonly rules: boolean;
}

const EXIT = { failed: 1, cannot: 2, interrupted: 130 } as const;

const command = new Command("npm run conformance --")
  .description(
    "Drives a server through the dialogues of protocol/dialogues/server, over WebSockets and in both codecs. Without " +
      "--url it starts this repository's own; another one must serve the application that protocol/dialogues/README.md " +
      "describes. With --client it drives a client through protocol/dialogues/client instead.",
  )
  .addOption(new Option("--url <ws://host:port>", "the server to drive").argParser(socketUrl))
  .addOption(new Option("--client <command>", "starts the adapter of a client to drive").conflicts(["url", "token"]))
  .option("--token <text>", 'token of a person; {name} stands for their name (default: "user:{name}")')
  .option("--only <text>", "only dialogues whose name, file or rule is or holds this; may be given again", collect, [])
  .addOption(new Option("--codec <name>", "only this one").choices(CODECS.map(({ name }) => name)))
  .option("--patience <ms>", "how long to wait for what must come", milliseconds, 5_000)
  .option("--patient", "also run what takes a watchdog's or a minute's time", false)
  .option("--json", "a line of JSON for each dialogue and codec, and one with the counts at the end", false)
  .option("--list", "print what would be run and end", false)
  .option("--rules", "print which rule of protocol/SPEC.md has which dialogues and end", false)
  .addHelpText("after", "\nEnds with 0 when all held, 1 when something did not, 2 when nothing could be run.")
  .showHelpAfterError("(--help says more)")
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.cannot))
  .action(main);

// Whoever reads the output may have seen enough.
process.stdout.on("error", () => process.exit(EXIT.failed));
await command.parseAsync();

async function main(options: Options): Promise<void> {
  if (options.rules) return console.log(coverageTable(coverage()));
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  try {
    const held = await drive(options, interrupted.signal);
    if (!held) process.exitCode = EXIT.failed;
    if (interrupted.signal.aborted) process.exitCode = EXIT.interrupted;
  } catch (error) {
    if (!(error instanceof NoServer || error instanceof AdapterFailure || error instanceof NothingRan)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = EXIT.cannot;
  }
}

async function drive(options: Options, signal: AbortSignal): Promise<boolean> {
  const { url, client, token = "user:{name}" } = options;
  if (client !== undefined) {
    const dialogues = chosen(clientDialogues(), options);
    return options.list ? print(dialogues, options) : driveClient(dialogues, client, { ...options, token, signal });
  }
  const dialogues = chosen(serverDialogues(), options);
  return options.list ? print(dialogues, options) : driveServer(dialogues, url, { ...options, token, signal });
}

function chosen<Step>(dialogues: readonly Dialogue<Step>[], { only }: Options): readonly Dialogue<Step>[] {
  if (only.length === 0) return dialogues;
  const fits = ({ name, file, rules }: Dialogue<Step>, text: string): boolean =>
    name.includes(text) || file === text || rules.includes(text.toUpperCase());
  const idle = only.find((text) => !dialogues.some((dialogue) => fits(dialogue, text)));
  if (idle !== undefined) command.error(`error: no dialogue is named or about ${idle}: --list shows all`);
  return dialogues.filter((dialogue) => only.some((text) => fits(dialogue, text)));
}

function print(dialogues: readonly Dialogue<unknown>[], { json }: Options): true {
  for (const { name, file, about, rules, needs } of dialogues) {
    if (json) console.log(JSON.stringify({ name, file, about, rules, needs }));
    else console.log(`${name} (${file}: ${rules.join(", ")})\n    ${about}`);
  }
  return true;
}

function socketUrl(text: string): string {
  if (!URL.canParse(text)) throw new InvalidArgumentError("It must be an address such as ws://127.0.0.1:8787.");
  const url = new URL(text);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol === "ws:" || url.protocol === "wss:") return url.href;
  throw new InvalidArgumentError("It must begin with ws://, wss://, http:// or https://.");
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 2 ** 31 - 1) return value;
  throw new InvalidArgumentError("It must be a number of milliseconds above 0.");
}

function collect(text: string, before: readonly string[]): readonly string[] {
  if (text === "") throw new InvalidArgumentError("It must be a part of a name, a file or a rule.");
  return [...before, text];
}
