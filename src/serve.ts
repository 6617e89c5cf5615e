// Serves an application from a program of one's own: the same server as the command line's, with its defaults.
import { type App, type Contract, LIMITS } from "@tidemark/protocol";
import type { JwtOptions } from "./auth/jwt.js";
import { resolveApp } from "./document/definition/define-app.js";
import type { CertificateFiles } from "./http/certificate.js";
import { makeLogger } from "./observability/logger.js";
import { systemRuntime } from "./runtime/system-runtime.js";
import { startServer, watchdogFor } from "./server.js";
import { FIGURES_INTERVAL_MS } from "./server-figures.js";
import type { Risk } from "./server-safety.js";

/** Options of `serve`; the defaults are those of `tidemark serve`. */
export interface ServeOptions {
  /** Default 8787; 0 takes a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The database file; default `./tidemark.db`. */
  readonly data?: string;
  /** Origins that pages may connect from besides the server's own. */
  readonly origins?: readonly string[];
  /** Which signed tokens are accepted, besides what the application's `authenticate` knows. */
  readonly jwt?: JwtOptions;
  /** How soon a socket must have shown a valid token, ms; default and most 15,000. */
  readonly authDeadlineMs?: number;
  /** A folder of static files to serve at `/`. */
  readonly staticDir?: string;
  /** How often clients are pinged, ms; default 10,000. A socket without a byte for 2.5 times as long ends. */
  readonly pingIntervalMs?: number;
  /** Calls a second that one principal may make over HTTP; default 1,000; 0: any number. */
  readonly httpCallsPerSecond?: number;
  /** Connections that one principal may have at a time; default 1,000; 0: any number. */
  readonly connectionsPerPrincipal?: number;
  /** Serve with TLS: files in PEM, which are read again when they change. */
  readonly tls?: CertificateFiles;
  /** Addresses and networks of proxies that are believed about senders, names and TLS. */
  readonly trustProxy?: readonly string[];
  /** Settings that are meant though they are unsafe; else such settings are refused with the reason. */
  readonly allowUnsafe?: readonly Risk[];
  /** Whether `/v1/openapi.json` describes the API, with a page to try it at `/v1/docs-ui/`; default true. */
  readonly apiDocs?: boolean;
}

/** A served application. */
export interface Served {
  /** `http://host:port`, or `https://`. */
  readonly url: string;
  /** Resolves with the reason if storage fails for good; nothing is acknowledged any more then. */
  readonly failed: Promise<Error>;
  /** Commits what was executed, tells clients to come back later, lets the file go. */
  close(): Promise<void>;
}

/**
 * Serves an application in this process until closed. Rejects with OperatorError when the port or the file cannot be
 * had or nobody could come in, and with DefinitionError for something that is no application.
 */
export async function serve<Contracts extends { readonly [K in keyof Contracts]: Contract }>(
  app: App<Contracts>,
  options: ServeOptions = {},
): Promise<Served> {
  const { pingIntervalMs = LIMITS.pingIntervalMs } = options;
  return startServer({
    app: resolveApp(app),
    runtime: systemRuntime,
    logger: makeLogger("warn"),
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 8787,
    data: options.data ?? "./tidemark.db",
    origins: options.origins ?? [],
    jwt: options.jwt,
    tls: options.tls,
    trustProxy: options.trustProxy ?? [],
    allow: options.allowUnsafe ?? [],
    authDeadlineMs: Math.min(options.authDeadlineMs ?? LIMITS.helloTimeoutMs, LIMITS.helloTimeoutMs),
    devTokens: false,
    idleMs: LIMITS.idleUnloadMs,
    pingIntervalMs,
    watchdogMs: watchdogFor(pingIntervalMs),
    figuresIntervalMs: FIGURES_INTERVAL_MS,
    staticDir: options.staticDir,
    foldRows: undefined,
    httpCallsPerSecond: options.httpCallsPerSecond ?? LIMITS.httpCallsPerSecond,
    connectionsPerPrincipal: options.connectionsPerPrincipal,
    apiDocs: options.apiDocs ?? true,
  });
}
