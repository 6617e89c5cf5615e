// The composition root: puts the rooms together to one server process and takes them down again in order.
import { type AddressInfo, isIPv6 } from "node:net";
import { OperatorError } from "@tidemark/protocol";
import { makeAuthenticator } from "./auth/authenticator.js";
import type { ResolvedApp } from "./document/definition/define-app.js";
import type { HostReport } from "./document/host-report.js";
import { LocalDocuments } from "./document/local-documents.js";
import { httpApp } from "./http/app.js";
import type { Logger } from "./observability/logger.js";
import { randomHex } from "./runtime/ids.js";
import type { Runtime } from "./runtime/runtime.js";
import { FanOuts } from "./session/fan-out.js";
import { Flusher } from "./session/flusher.js";
import { SessionRegistry } from "./session/session-registry.js";
import { openSqliteStore, type SqliteStore } from "./storage/sqlite/sqlite-store.js";
import { SocketServer } from "./transport/websocket-server.js";

/** Everything a server can be told. */
export interface ServerOptions {
  readonly app: ResolvedApp;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The database file. */
  readonly data: string;
  readonly origins: readonly string[];
  readonly devTokens: boolean;
  readonly idleMs: number;
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  readonly staticDir: string | undefined;
  /** Rows in the journal that start a fold; undefined: the store's default. */
  readonly foldRows: number | undefined;
}

/** A server that accepts sockets. */
export interface RunningServer {
  /** `http://host:port`. */
  readonly url: string;
  /** Resolves when storage has failed for good: the process must end. */
  readonly failed: Promise<OperatorError>;
  /** Commits what was executed, ends every session with `draining`, lets the file go. */
  close(): Promise<void>;
}

/** Starts a server. Throws OperatorError when the file or the port cannot be had. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { runtime, logger } = options;
  const store = await openSqliteStore({
    file: options.data,
    runtime,
    ...(options.foldRows === undefined ? {} : { foldRows: options.foldRows }),
    onEvent: (event) => logger.debug({ event }, "storage"),
  });
  try {
    return await serveStore(options, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serveStore(options: ServerOptions, store: SqliteStore): Promise<RunningServer> {
  const { app, runtime, logger, host, port, idleMs } = options;
  const fanOuts = new FanOuts();
  const registry = new SessionRegistry();
  const audience = fanOuts.create.bind(fanOuts);
  const documents = new LocalDocuments({ types: app.types, store, runtime, idleMs, audience, report: reportTo(logger) });
  let accepting = true;
  const http = await httpApp({ staticDir: options.staticDir, ready: () => accepting });
  const sockets = new SocketServer(http.server, {
    runtime,
    documents,
    fanOuts,
    registry,
    flusher: new Flusher(runtime),
    identify: makeAuthenticator({
      authenticate: app.authenticate,
      devTokens: options.devTokens,
      runtime,
      onFailed: (error) => logger.error({ err: error }, "authenticate failed"),
    }),
    serverId: randomHex(runtime, 8),
    pingIntervalMs: options.pingIntervalMs,
    watchdogMs: options.watchdogMs,
    origins: options.origins,
  });
  await listen(http, { host, port });
  return {
    url: addressOf(http.server.address(), host),
    failed: store.failed,
    async close() {
      accepting = false;
      registry.endAll();
      await documents.stop();
      sockets.close();
      await http.close();
      await store.close();
    },
  };
}

async function listen(http: Awaited<ReturnType<typeof httpApp>>, at: { host: string; port: number }): Promise<void> {
  try {
    await http.listen(at);
  } catch (error) {
    await http.close();
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new OperatorError("port_in_use", `port ${at.port} on ${at.host} is in use`, "Stop the other program, or choose a free port with --port.");
  }
}

function addressOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function reportTo(logger: Logger): HostReport {
  const id = ({ type, key }: { type: string; key: string }): string => `${type}/${key}`;
  return {
    handlerFailed: (document, call, error) => logger.warn({ document: id(document), call, err: error }, "handler failed"),
    documentUnreadable: (document, reason) => logger.error({ document: id(document), reason }, "document does not serve"),
    commitLost: (document, error) => logger.error({ document: id(document), err: error }, "commit failed or in doubt"),
    loadFailed: (document, error) => logger.error({ document: id(document), err: error }, "load failed, trying again"),
  };
}
