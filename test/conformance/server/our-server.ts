// Our own server with the conformance application, on a free port and a database of its own that is removed afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "@tidemark/protocol";
import { resolveApp } from "../../../src/document/definition/define-app.js";
import { makeLogger } from "../../../src/observability/logger.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import { type RunningServer, startServer } from "../../../src/server.js";
import { app } from "../app.js";
import type { ServerControl } from "./run.js";

/** Short, so that dialogues about pings need no patience. */
const PING_INTERVAL_MS = 50;

/** A server for dialogues, which it can be stopped and started by. */
export interface OurServer extends ServerControl {
  /** `ws://host:port`, until it is started again. */
  readonly url: string;
  /** Ends it and removes what it stored. */
  close(): Promise<void>;
}

/** Starts one; `watchdogMs` is after how much silence it gives a connection up. */
export async function startOurServer(watchdogMs: number = LIMITS.watchdogMs): Promise<OurServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-conformance-"));
  const start = (): Promise<RunningServer> => serverOn(join(folder, "conformance.db"), watchdogMs);
  let running: RunningServer | undefined = await start();
  let { url } = running;
  const stop = async (): Promise<void> => {
    const ending = running;
    running = undefined;
    await ending?.close();
  };
  const address = (): string => url.replace("http", "ws");
  return {
    get url() {
      return address();
    },
    stop,
    async start() {
      await stop();
      running = await start();
      url = running.url;
      return address();
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serverOn(data: string, watchdogMs: number): Promise<RunningServer> {
  return startServer({
    app: resolveApp(app),
    runtime: systemRuntime,
    logger: makeLogger("silent"),
    host: "127.0.0.1",
    port: 0,
    data,
    origins: [],
    devTokens: false,
    idleMs: LIMITS.idleUnloadMs,
    figuresIntervalMs: 60_000,
    pingIntervalMs: PING_INTERVAL_MS,
    watchdogMs,
    staticDir: undefined,
    foldRows: undefined,
    httpCallsPerSecond: 0,
    apiDocs: false,
  });
}
