// The composition root: puts the rooms together to one server process and takes them down again in order.
import { existsSync } from "node:fs";
import { LIMITS, type OperatorError } from "@tidemark/protocol";
import type { Documents } from "./document/documents.js";
import type { HostReport } from "./document/host-report.js";
import { LocalDocuments } from "./document/local-documents.js";
import { HttpApi } from "./http/api.js";
import { httpApp } from "./http/app.js";
import type { Sessions } from "./http/sessions.js";
import type { Logger } from "./observability/logger.js";
import { randomHex } from "./runtime/ids.js";
import type { Runtime } from "./runtime/runtime.js";
import { TokenBucket } from "./runtime/token-bucket.js";
import { Authentication, type AuthenticationOptions } from "./server-authentication.js";
import { type Entrance, type EntranceOptions, entranceOf } from "./server-entrance.js";
import { logFigures } from "./server-figures.js";
import { type Risk, requireSafe } from "./server-safety.js";
import { FanOuts } from "./session/fan-out.js";
import { Flusher } from "./session/flusher.js";
import type { OriginRules } from "./session/origins.js";
import { Session } from "./session/session.js";
import type { SessionParts } from "./session/session-parts.js";
import { SessionRegistry } from "./session/session-registry.js";
import { openSqliteStore, type SqliteStore } from "./storage/sqlite/sqlite-store.js";
import { SocketServer } from "./transport/websocket-server.js";

/** Everything a server can be told. */
export interface ServerOptions extends AuthenticationOptions, EntranceOptions {
  /** The database file. */
  readonly data: string;
  readonly idleMs: number;
  readonly pingIntervalMs: number;
  /** How soon a socket must have shown a valid token, ms; default 15,000. */
  readonly authDeadlineMs?: number | undefined;
  readonly watchdogMs: number;
  /** How often what was counted is logged. */
  readonly figuresIntervalMs: number;
  readonly staticDir: string | undefined;
  /** Rows in the journal that start a fold; undefined: the store's default. */
  readonly foldRows: number | undefined;
  /** Calls a second of one principal over HTTP; 0: any number. */
  readonly httpCallsPerSecond: number;
  /** Settings that are meant though they are unsafe. */
  readonly allow?: readonly Risk[];
  /** Whether the API is described, with a page to try it. */
  readonly apiDocs: boolean;
}

/** A server that accepts sockets. */
export interface RunningServer {
  /** `http://host:port`, or `https://`. */
  readonly url: string;
  /** Resolves when storage has failed for good: the process must end. */
  readonly failed: Promise<OperatorError>;
  /** Reads the certificate again, if there is one. Never rejects. */
  reload(): Promise<void>;
  /** Commits what was executed, sends every client away with word of when to come back, lets the file go. */
  close(): Promise<void>;
}

/** How long a socket may be silent whose client is pinged so often: a lost ping or two is no death. */
export const watchdogFor = (pingIntervalMs: number): number =>
  Math.round((pingIntervalMs * LIMITS.watchdogMs) / LIMITS.pingIntervalMs);

/** How long a stopping server waits for what is in flight; later answers are had from the next server (R6). */
const DRAIN_MS = 2_000;

type Http = Awaited<ReturnType<typeof httpApp>>;

/** Starts a server. Throws OperatorError when the file or the port cannot be had, or nobody could come in. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { runtime, devTokens } = options;
  requireSafe(options);
  const entrance = await entranceOf(options);
  const { proxies, certificate } = entrance;
  const rules = { origins: options.origins, loopbackNamesOnly: devTokens, proxies };
  const state: ServingState = { accepting: false, documents: undefined, sessions: undefined };
  const authentication = new Authentication(options);
  // Before there is a file: one that was refused leaves none.
  authentication.requireWayIn({ mayHaveKeys: existsSync(options.data) });
  const api = new HttpApi({
    runtime,
    identify: authentication.identify,
    tokens: authentication,
    documents: () => (state.accepting ? state.documents : undefined),
    ...rules,
    sessions: () => (state.accepting ? state.sessions : undefined),
    callsPerSecond: options.httpCallsPerSecond,
  });
  // The port comes first: a server that cannot have it must leave the file as it was. Until the store is open it
  // answers "not ready", and sockets are refused.
  const { staticDir, apiDocs, app } = options;
  const describedTypes = apiDocs ? app.types : undefined;
  const http = await httpApp({ staticDir, ready: () => state.accepting, api, proxies, certificate, describedTypes });
  await entrance.listen(http);
  try {
    const store = await openStore(options);
    try {
      await authentication.open(store);
      return await serveStore(options, { http, api, store, state, authentication, rules, entrance });
    } catch (error) {
      await store.close();
      throw error;
    }
  } catch (error) {
    await http.close();
    throw error;
  }
}

interface ServingState {
  accepting: boolean;
  documents: Documents | undefined;
  sessions: Sessions | undefined;
}

function openStore({ runtime, logger, data, foldRows }: ServerOptions): Promise<SqliteStore> {
  return openSqliteStore({
    file: data,
    runtime,
    ...(foldRows === undefined ? {} : { foldRows }),
    onEvent: (event) => logger[event.kind === "folded" ? "debug" : "error"]({ event }, "storage"),
  });
}

/** What a server has before it serves. */
interface Opened {
  readonly http: Http;
  readonly api: HttpApi;
  readonly store: SqliteStore;
  readonly state: ServingState;
  readonly authentication: Authentication;
  readonly rules: OriginRules;
  readonly entrance: Entrance;
}

async function serveStore(options: ServerOptions, opened: Opened): Promise<RunningServer> {
  const { http, api, store, state, authentication, rules, entrance } = opened;
  const { app, runtime, logger, idleMs } = options;
  const fanOuts = new FanOuts(runtime);
  const registry = new SessionRegistry(options.connectionsPerPrincipal);
  const audience = entrance.audience(fanOuts);
  const documents = new LocalDocuments({
    types: app.types,
    store,
    runtime,
    idleMs,
    audience,
    report: reportTo(logger),
  });
  const onBug = (error: unknown): void => logger.error({ err: error }, "a bug: please report it");
  const sessionParts: SessionParts = {
    runtime,
    documents,
    fanOuts,
    registry,
    flusher: new Flusher(runtime),
    identify: authentication.identify,
    serverId: randomHex(runtime, 8),
    pingIntervalMs: options.pingIntervalMs,
    authDeadlineMs: options.authDeadlineMs,
    watchdogMs: options.watchdogMs,
  };
  const sockets = new SocketServer(http.server, {
    ...sessionParts,
    ...rules,
    isOverloaded: () => documents.isOverloaded,
    admission: new TokenBucket({ runtime, perSecond: LIMITS.upgradesPerSecond, burst: LIMITS.upgradesBurst }),
    onBug,
  });
  authentication.onWithdrawn((isOver) => {
    registry.review(isOver);
    api.review(isOver);
  });
  state.documents = documents;
  state.sessions = { admits: () => sockets.admits(), begin: (...of) => begun(sessionParts, ...of), onBug };
  state.accepting = true;
  const way = await entrance.open({ http, sessionParts, isOverloaded: () => documents.isOverloaded, onBug });
  const sources = { documents, registry, sockets };
  const stopFigures = logFigures(sources, { runtime, logger, everyMs: options.figuresIntervalMs });
  return {
    url: way.url,
    failed: store.failed,
    reload: () => way.reload(),
    async close() {
      state.accepting = false;
      stopFigures();
      // Sessions end after the answers to what is in flight; what comes too late is asked again under its number.
      await within(runtime, DRAIN_MS, documents.stop());
      registry.drain();
      // Whoever does not read an answer is not waited for.
      await within(runtime, DRAIN_MS, api.drain());
      await documents.stop();
      sockets.close();
      await way.close();
      await http.close();
      await authentication.close();
      await store.close();
    },
  };
}

/** A session on a request, whose sender was identified. */
function begun(parts: SessionParts, ...[wire, hello, { exchange }]: Parameters<Sessions["begin"]>): Session {
  const session = new Session(parts, wire);
  session.greeted(hello, exchange.identity);
  return session;
}

/** Resolves with `work`, or after `ms` without it. */
function within(runtime: Runtime, ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.setTimer(ms, resolve);
    work.then(resolve, reject).finally(cancel);
  });
}

function reportTo(logger: Logger): HostReport {
  const id = ({ type, key }: { type: string; key: string }): string => `${type}/${key}`;
  return {
    handlerFailed: (document, call, error) =>
      logger.warn({ document: id(document), call, err: error }, "handler failed"),
    documentUnreadable: (document, reason) =>
      logger.error({ document: id(document), reason }, "document does not serve"),
    commitLost: (document, error) => logger.error({ document: id(document), err: error }, "commit failed or in doubt"),
    loadFailed: (document, error) => logger.error({ document: id(document), err: error }, "load failed, trying again"),
  };
}
