// `npm run conformance`: drives a server, or a client by an adapter, through all dialogues and says what did not hold.
import { CODECS, type Codec } from "@tidemark/protocol";
import { Command, InvalidArgumentError, Option } from "commander";
import { AdapterFailure, AdapterProcess } from "./client/adapter-process.js";
import { runClientDialogue } from "./client/run.js";
import { clientDialogues, type Dialogue, serverDialogues } from "./dialogue/dialogue.js";
import type { Need } from "./dialogue/needs.js";
import type { Outcome } from "./dialogue/outcome.js";
import { lines, summary } from "./report.js";
import { NoServer } from "./server/connection.js";
import { startOurServer } from "./server/our-server.js";
import { runServerDialogue } from "./server/run.js";

interface Options {
  readonly url?: string;
  readonly client?: string;
  readonly token: string;
  readonly only: readonly string[];
  readonly codec?: string;
  readonly patience: number;
  readonly patient: boolean;
  readonly list: boolean;
}

const PATIENT = ["patience", "minute"] as const;
const CODEC_NAMES = CODECS.map(({ name }) => name);

const command = new Command("npm run conformance --")
  .description(
    "Drives a server through the dialogues of protocol/dialogues/server, over WebSockets and in both codecs. Without " +
      "--url it starts this repository's own; another one must serve the application that protocol/dialogues/README.md " +
      "describes. With --client it drives a client through protocol/dialogues/client instead.",
  )
  .addOption(new Option("--url <ws://host:port>", "the server to drive").argParser(socketUrl))
  .addOption(new Option("--client <command>", "starts the adapter of a client to drive").conflicts("url"))
  .option("--token <text>", "token of a person; {name} stands for their name", "user:{name}")
  .option("--only <name>", "only dialogues whose name holds this text; may be given again", collect, [])
  .addOption(new Option("--codec <name>", "only this one").choices(CODEC_NAMES))
  .option("--patience <ms>", "how long to wait for what must come", milliseconds, 5_000)
  .option("--patient", "also run what waits for the server's watchdog", false)
  .option("--list", "print the names of the dialogues and end", false)
  .showHelpAfterError("(--help says more)")
  .allowExcessArguments(false)
  .action(main);
await command.parseAsync();

async function main(options: Options): Promise<void> {
  if (options.client === undefined) await driveServer(options);
  else await driveClient(options, options.client);
}

async function driveServer(options: Options): Promise<void> {
  const dialogues = chosen(serverDialogues(), options);
  if (options.list) return print(dialogues);
  const own = options.url === undefined ? await startOurServer() : undefined;
  const url = options.url ?? own?.url ?? "";
  const { token, patience: patienceMs } = options;
  console.log(`${own === undefined ? "driving" : "driving our own server at"} ${url}`);
  try {
    await runAll(dialogues, options, (dialogue, codec) =>
      runServerDialogue(dialogue, { url, codec, token, patienceMs, has: has(options) }),
    );
  } catch (error) {
    if (!(error instanceof NoServer)) throw error;
    fail(error.message);
  } finally {
    await own?.close();
  }
}

async function driveClient(options: Options, start: string): Promise<void> {
  const dialogues = chosen(clientDialogues(), options);
  if (options.list) return print(dialogues);
  const { patience: patienceMs } = options;
  const adapter = new AdapterProcess(start, patienceMs);
  try {
    await runAll(dialogues, options, (dialogue, codec) =>
      runClientDialogue(dialogue, { adapter, codec, patienceMs, has: has(options) }),
    );
  } catch (error) {
    if (!(error instanceof AdapterFailure)) throw error;
    fail(error.message);
  } finally {
    await adapter.stop();
  }
}

function has({ token, patient }: Options): readonly Need[] {
  return [...(token.includes("{name}") ? ["people" as const] : []), ...(patient ? PATIENT : [])];
}

async function runAll<Step>(
  dialogues: readonly Dialogue<Step>[],
  options: Options,
  run: (dialogue: Dialogue<Step>, codec: Codec) => Promise<Outcome>,
): Promise<void> {
  const tally = { held: 0, skipped: 0, failed: 0 };
  const codecs = CODECS.filter(({ name }) => options.codec === undefined || name === options.codec);
  for (const dialogue of dialogues) {
    for (const codec of codecs) {
      const outcome = await run(dialogue, codec);
      tally[outcome.kind] += 1;
      console.log(lines({ ...dialogue, codec: codec.name }, outcome));
    }
  }
  console.log(summary(tally));
  if (tally.failed > 0) process.exitCode = 1;
}

function chosen<Step>(dialogues: readonly Dialogue<Step>[], { only }: Options): readonly Dialogue<Step>[] {
  if (only.length === 0) return dialogues;
  const found = dialogues.filter(({ name }) => only.some((part) => name.includes(part)));
  const idle = only.find((part) => !dialogues.some(({ name }) => name.includes(part)));
  return idle === undefined ? found : command.error(`error: no dialogue is named ${idle}: --list shows all names`);
}

function print(dialogues: readonly Dialogue<unknown>[]): void {
  for (const { name, about } of dialogues) console.log(`${name}\n    ${about}`);
}

function fail(message: string): void {
  console.error(`error: ${message}`);
  process.exitCode = 1;
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
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number of milliseconds above 0.");
  return value;
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
