// `tidemark serve`: an application on a port, until a signal.
import { LIMITS } from "@tidemark/protocol";
import type { Command } from "commander";
import { describeCommand } from "./command.js";
import { addServerFlags, milliseconds, type ServerFlags, setting, wholeNumber } from "./flags.js";
import { addJwtFlags, type JwtFlags, jwtOptions } from "./jwt-flags.js";
import { Output } from "./output.js";
import { stopSignal } from "./stop-signal.js";
import { addReachFlags, type ReachFlags, reachOf } from "./tls-flags.js";

/** More processes than any machine has cores for. */
const EDGES_MAX = 64;

interface ServeFlags extends ServerFlags, JwtFlags, ReachFlags {
  readonly host: string;
  readonly idleMs: number;
  readonly authDeadlineMs: number;
  readonly edges: number;
}

/** Describes `serve`. */
export function serveCommand(): Command {
  const command = describeCommand(
    "serve",
    "Serve an application to those who can say who they are; without one, channels only",
    [
      { does: "which knows tokens itself (its `authenticate`)", type: "tidemark serve app.ts --data /var/lib/todo.db" },
      { does: "to holders of signed tokens", type: "tidemark serve app.ts --jwt-secret secret.txt" },
      { does: "channels, to holders of signed tokens", type: "tidemark serve --jwt-secret secret.txt" },
      {
        does: "to others, with TLS",
        type: "tidemark serve app.ts --host 0.0.0.0 --port 443 --tls-cert cert.pem --tls-key key.pem",
      },
      {
        does: "to others, behind a proxy that ends TLS",
        type: "tidemark serve app.ts --host 0.0.0.0 --trust-proxy 10.0.0.7",
      },
      { does: "to many sockets, on several cores", type: "tidemark serve app.ts --jwt-secret secret.txt --edges 3" },
    ],
  ).argument("[app]", "application file, TypeScript or JavaScript");
  return addReachFlags(addJwtFlags(addServerFlags(command)))
    .addOption(setting("--host <host>", "address to listen on", "TIDEMARK_HOST").default("127.0.0.1"))
    .addOption(
      setting("--idle-ms <ms>", "unload a document that was not used for so long", "TIDEMARK_IDLE_MS")
        .argParser(milliseconds)
        .default(LIMITS.idleUnloadMs),
    )
    .addOption(
      setting(
        "--auth-deadline-ms <ms>",
        "close a socket that has not shown a valid token by then",
        "TIDEMARK_AUTH_DEADLINE_MS",
      )
        .argParser(wholeNumber(1, LIMITS.helloTimeoutMs))
        .default(LIMITS.helloTimeoutMs),
    )
    .addOption(
      setting(
        "--edges <n>",
        "processes that hold the sockets and fan out, to use more cores; 0: this one does",
        "TIDEMARK_EDGES",
      )
        .argParser(wholeNumber(0, EDGES_MAX))
        .default(0),
    )
    .action(serve);
}

async function serve(file: string | undefined, flags: ServeFlags): Promise<void> {
  const { host, idleMs, authDeadlineMs, edges, data, json } = flags;
  const stopped = stopSignal();
  const jwt = jwtOptions(flags);
  const reach = reachOf(flags);
  // Commands that only talk to a server start faster without one.
  const { loadApplication } = await import("./load-application.js");
  const { serveUntil, startServing } = await import("./serving.js");
  const app = await loadApplication(file);
  const server = await startServing(app, flags, {
    host,
    idleMs,
    jwt,
    authDeadlineMs,
    edges,
    devTokens: false,
    ...reach,
  });
  const { url } = server;
  const output = new Output({ json: json === true });
  const what = file ?? "channels";
  output.result(`tidemark is serving ${what} at ${url}`, { event: "serving", url, app: file, data, pid: process.pid });
  await serveUntil(server, stopped);
}
