// `tidemark dev`: an application on this machine while it is being written.
import { resolve } from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import { describeCommand } from "./command.js";
import type { AppSummary } from "./dev-words.js";
import { addServerFlags, type ServerFlags } from "./flags.js";
import { Output } from "./output.js";
import { stopSignal } from "./stop-signal.js";
import type { SupervisorListener } from "./supervisor.js";

interface DevFlags extends ServerFlags {
  readonly watch: boolean;
  readonly reset?: true;
  readonly supervised?: true;
}

/** Describes `dev`. */
export function devCommand(): Command {
  const summary = "Serve an application to this machine only, restart it when its files change, believe any --as <id>";
  const command = describeCommand("dev", summary, [
    { does: "with the database ./tidemark.db", type: "tidemark dev app.ts" },
    { does: "from the beginning", type: "tidemark dev app.ts --reset" },
    { does: "for a page that another server delivers", type: "tidemark dev app.ts --origins http://localhost:5173" },
    { does: "without an application: channels only", type: "tidemark dev" },
  ]).argument("[app]", "application file, TypeScript or JavaScript");
  return addServerFlags(command)
    .option("--no-watch", "do not restart when a file of the application changes")
    .option("--reset", "remove the database first, with everything in it")
    .addOption(new Option("--supervised").hideHelp())
    .action(dev);
}

async function dev(file: string | undefined, flags: DevFlags): Promise<void> {
  // Commands that only talk to a server start faster without one.
  const { serveSupervised, serveHere } = await import("./dev-server.js");
  if (flags.supervised === true && file !== undefined) return serveSupervised(file, flags);
  const output = new Output({ json: flags.json === true });
  const stopped = stopSignal();
  const { applicationPath } = await import("./load-application.js");
  const path = file === undefined ? undefined : applicationPath(file);
  if (flags.reset === true) await reset(flags.data, output);
  const told = { file, flags, output };
  // Without an application there is nothing that could change.
  if (path === undefined || !flags.watch) return serveHere(file, flags, stopped, (url, app) => welcome(told, url, app));
  const { supervise } = await import("./supervisor.js");
  const argv = (port: number): readonly string[] => commandLine(path, { ...flags, port });
  await supervise({ file: path, argv, port: flags.port, stopped, listener: teller(told) });
}

async function reset(data: string, output: Output): Promise<void> {
  const { removeDatabase } = await import("../storage/sqlite/remove-database.js");
  const removed = removeDatabase(data);
  if (removed) output.note(`removed ${data} and everything in it (--reset)`, { event: "reset", data });
  else output.note(`there is no ${data} to remove (--reset)`, { event: "reset", data });
}

/** The command line of the server that is supervised: what this one was told, from flags and environment alike. */
function commandLine(
  file: string,
  { port, data, origins, log, static: folder, pingMs, foldRows }: DevFlags,
): readonly string[] {
  const { argv } = process;
  return [
    ...[argv[1] ?? "", "dev", file, "--supervised", "--port", String(port), "--data", data, "--log", log],
    ...["--ping-ms", String(pingMs)],
    ...(origins.length === 0 ? [] : ["--origins", origins.join(",")]),
    ...(folder === undefined ? [] : ["--static", folder]),
    ...(foldRows === undefined ? [] : ["--fold-rows", String(foldRows)]),
  ];
}

interface Told {
  readonly file: string | undefined;
  readonly flags: DevFlags;
  readonly output: Output;
}

function teller(told: Told): SupervisorListener {
  const { output } = told;
  let welcomed = false;
  const waiting = "Waiting for a change of the application.";
  return {
    serving(url, app) {
      if (welcomed) output.result(`serving again at ${url}`, { event: "serving", url });
      else welcome(told, url, app);
      welcomed = true;
    },
    changed: (changed) => output.note(`${changed} changed`, { event: "changed", file: changed }),
    refused({ code, message, hint }) {
      output.failure({ exit: 1, label: "error", message, code, details: [], hint: `${hint}\n${waiting}`, fields: {} });
    },
    killed: (signal) =>
      output.note(`the server was ended by ${signal}; starting it again`, { event: "killed", signal }),
    crashed: (code) => output.note(`the server failed (exit code ${code}). ${waiting}`, { event: "crashed", code }),
  };
}

function welcome({ file, flags, output }: Told, url: string, { types, example }: AppSummary): void {
  const at = flags.port === 8_787 ? "" : ` --url ${url}`;
  const lines = [
    `tidemark dev is serving ${file ?? "channels"} at ${url}`,
    `  database   ${resolve(flags.data)}`,
    ...types.map((line, index) => `  ${index === 0 ? "documents " : "          "} ${line}`),
    "  tokens     dev:<any name>, from this machine",
    "  channels   any name",
    ...(example === undefined ? [] : [`  try        npx tidemark ${example}${at}`]),
    `${file !== undefined && flags.watch ? "It restarts when the application changes. " : ""}Ctrl-C stops it.`,
  ];
  const { data } = flags;
  output.result(lines.join("\n"), { event: "serving", url, app: file, data, pid: process.pid, types });
}
