// What `serve` and `dev` have in common: a server made from flags, and its life until it is told to stop.
import type { JwtOptions } from "../auth/jwt.js";
import type { ResolvedApp } from "../document/definition/define-app.js";
import { makeLogger } from "../observability/logger.js";
import { systemRuntime } from "../runtime/system-runtime.js";
import { type RunningServer, startServer, watchdogFor } from "../server.js";
import type { ServerFlags } from "./flags.js";

/** What the two do differently. */
export interface ServingManner {
  readonly host: string;
  readonly devTokens: boolean;
  readonly idleMs: number;
  readonly jwt?: JwtOptions | undefined;
}

/** Starts a server for an application. Throws OperatorError. */
export function startServing(app: ResolvedApp, flags: ServerFlags, manner: ServingManner): Promise<RunningServer> {
  return startServer({
    app,
    ...manner,
    runtime: systemRuntime,
    logger: makeLogger(flags.log),
    port: flags.port,
    data: flags.data,
    origins: flags.origins,
    pingIntervalMs: flags.pingMs,
    watchdogMs: watchdogFor(flags.pingMs),
    figuresIntervalMs: flags.figuresMs,
    staticDir: flags.static,
    foldRows: flags.foldRows,
    httpCallsPerSecond: flags.httpRate,
  });
}

/** Serves until `stopped`, then closes in order. Throws OperatorError when storage fails before. */
export async function serveUntil(server: RunningServer, stopped: Promise<void>): Promise<void> {
  const failure = await Promise.race([stopped, server.failed]);
  if (failure !== undefined) throw failure;
  await server.close();
}
