// What `serve` and `dev` have in common: a server made from flags, and its life until it is told to stop.
import type { JwtOptions } from "../auth/jwt.js";
import type { ResolvedApp } from "../document/definition/define-app.js";
import type { CertificateFiles } from "../http/certificate.js";
import { makeLogger } from "../observability/logger.js";
import { systemRuntime } from "../runtime/system-runtime.js";
import { type RunningServer, startServer, watchdogFor } from "../server.js";
import type { Risk } from "../server-safety.js";
import type { ServerFlags } from "./flags.js";

/** What the two do differently. */
export interface ServingManner {
  readonly host: string;
  readonly devTokens: boolean;
  readonly idleMs: number;
  readonly jwt?: JwtOptions | undefined;
  readonly tls?: CertificateFiles | undefined;
  readonly trustProxy?: readonly string[];
  readonly allow?: readonly Risk[];
  readonly authDeadlineMs?: number | undefined;
  readonly edges?: number;
}

/** Starts a server for an application. Throws OperatorError. */
export function startServing(app: ResolvedApp, flags: ServerFlags, manner: ServingManner): Promise<RunningServer> {
  return startServer({
    app,
    ...manner,
    runtime: systemRuntime,
    logger: makeLogger(flags.log),
    edgeLog: flags.log,
    port: flags.port,
    data: flags.data,
    origins: flags.origins,
    pingIntervalMs: flags.pingMs,
    watchdogMs: watchdogFor(flags.pingMs),
    figuresIntervalMs: flags.figuresMs,
    staticDir: flags.static,
    foldRows: flags.foldRows,
    httpCallsPerSecond: flags.httpRate,
    connectionsPerPrincipal: flags.connectionsMax,
    apiDocs: flags.apiDocs,
  });
}

/** Serves until `stopped`, then closes in order. Throws OperatorError when storage fails before. */
export async function serveUntil(server: RunningServer, stopped: Promise<void>): Promise<void> {
  // What a tool that renews certificates sends when it has done so.
  const reload = (): void => void server.reload();
  process.on("SIGHUP", reload);
  const failure = await Promise.race([stopped, server.failed]);
  process.off("SIGHUP", reload);
  if (failure !== undefined) throw failure;
  await server.close();
}
