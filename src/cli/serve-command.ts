// `tidemark serve`: an application on a port, until a signal.
import { Command, Option } from "commander";
import { LIMITS } from "@tidemark/protocol";
import { LOG_LEVELS, makeLogger } from "../observability/logger.js";
import { systemRuntime } from "../runtime/system-runtime.js";
import { startServer } from "../server.js";
import { loadApplication } from "./load-application.js";

interface ServeFlags {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly origins: readonly string[];
  readonly log: (typeof LOG_LEVELS)[number];
  readonly idleMs: number;
  readonly static?: string;
  readonly foldRows?: number;
  readonly devTokens?: boolean;
}

const flag = (flags: string, description: string, env: string): Option => new Option(flags, description).env(env);

/** Describes `serve`. */
export function serveCommand(): Command {
  return new Command("serve")
    .description("Serve an application")
    .argument("<app>", "application file (TypeScript or JavaScript)")
    .addOption(flag("--port <port>", "port to listen on; 0 takes a free one", "TIDEMARK_PORT").argParser(Number).default(8787))
    .addOption(flag("--host <host>", "address to listen on", "TIDEMARK_HOST").default("127.0.0.1"))
    .addOption(flag("--data <file>", "database file", "TIDEMARK_DATA").default("./tidemark.db"))
    .addOption(flag("--origins <origin...>", "origins pages may connect from besides this one", "TIDEMARK_ORIGINS").default([]))
    .addOption(flag("--log <level>", "what to log", "TIDEMARK_LOG").choices(LOG_LEVELS).default("info"))
    .addOption(flag("--idle-ms <ms>", "unload documents unused for so long", "TIDEMARK_IDLE_MS").argParser(Number).default(LIMITS.idleUnloadMs))
    .addOption(flag("--static <dir>", "folder of static files to serve", "TIDEMARK_STATIC"))
    .addOption(flag("--fold-rows <rows>", "rows in the journal that start a fold", "TIDEMARK_FOLD_ROWS").argParser(Number).hideHelp())
    .addOption(new Option("--dev-tokens").hideHelp())
    .action((app: string, flags: ServeFlags) => serve(app, flags));
}

async function serve(file: string, flags: ServeFlags): Promise<void> {
  const app = await loadApplication(file);
  const logger = makeLogger(flags.log);
  const server = await startServer({
    app,
    runtime: systemRuntime,
    logger,
    host: flags.host,
    port: flags.port,
    data: flags.data,
    origins: flags.origins,
    devTokens: flags.devTokens === true,
    idleMs: flags.idleMs,
    pingIntervalMs: LIMITS.pingIntervalMs,
    watchdogMs: LIMITS.watchdogMs,
    staticDir: flags.static,
    foldRows: flags.foldRows,
  });
  process.stdout.write(`tidemark is serving ${file} at ${server.url}\n`);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  const failure = await Promise.race([stopped, server.failed]);
  if (failure !== undefined) throw failure;
  await server.close();
}
