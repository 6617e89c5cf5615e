// Our own server with the conformance application, on a free port and a database of its own that is removed afterwards.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMITS } from "@tidemark/protocol";
import { resolveApp } from "../../../src/document/definition/define-app.js";
import { makeLogger } from "../../../src/observability/logger.js";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import { startServer } from "../../../src/server.js";
import { app } from "../app.js";

/** Short, so that dialogues about pings need no patience. */
const PING_INTERVAL_MS = 50;

/** A server for dialogues. */
export interface OurServer {
  /** `ws://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts one; `watchdogMs` is after how much silence it gives a connection up. */
export async function startOurServer(watchdogMs: number = LIMITS.watchdogMs): Promise<OurServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-conformance-"));
  const server = await startServer({
    app: resolveApp(app),
    runtime: systemRuntime,
    logger: makeLogger("silent"),
    host: "127.0.0.1",
    port: 0,
    data: join(folder, "conformance.db"),
    origins: [],
    devTokens: false,
    idleMs: LIMITS.idleUnloadMs,
    pingIntervalMs: PING_INTERVAL_MS,
    watchdogMs,
    staticDir: undefined,
    foldRows: undefined,
  });
  return {
    url: server.url.replace("http", "ws"),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
