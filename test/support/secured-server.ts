// A server in this process with a small application and whatever ways to come in a test asks for, its log kept as text; and
// a stranger who says hello to it over a real socket.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Json, jsonCodec, LIMITS, PROTOCOL_VERSION } from "@tidemark/protocol";
import { defineApp, documentType } from "tidemark";
import { z } from "zod";
import { type Identity, resolveApp } from "../../src/document/definition/define-app.js";
import { makeLogger } from "../../src/observability/logger.js";
import { systemRuntime } from "../../src/runtime/system-runtime.js";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server.js";
import { RawSocket } from "./raw-socket.js";

const note = documentType({
  state: z.object({ text: z.string() }),
  init: () => ({ text: "" }),
  canOpen: (viewer) => viewer.roles.includes("reader"),
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
  }),
});

/** What a test may say of its server. */
export interface Secured extends Pick<ServerOptions, "jwt"> {
  readonly authenticate?: (token: string) => Identity | null | Promise<Identity | null>;
}

/** A running one. */
export interface SecuredServer {
  readonly url: string;
  readonly data: string;
  /** Everything it logged, at every level. */
  log(): string;
  /** Ends it, and removes its files. */
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startSecured({ jwt, authenticate }: Secured): Promise<SecuredServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-secured-"));
  const data = join(folder, "notes.db");
  const log: string[] = [];
  const documents = { note };
  const server: RunningServer = await startServer({
    app: resolveApp(authenticate === undefined ? defineApp({ documents }) : defineApp({ documents, authenticate })),
    runtime: systemRuntime,
    logger: makeLogger("debug", { write: (line: string) => void log.push(line) }),
    ...{ host: "127.0.0.1", port: 0, data, origins: [], devTokens: false, jwt },
    idleMs: LIMITS.idleUnloadMs,
    figuresIntervalMs: 60_000,
    pingIntervalMs: LIMITS.pingIntervalMs,
    watchdogMs: LIMITS.watchdogMs,
    staticDir: undefined,
    foldRows: undefined,
    httpCallsPerSecond: 0,
    apiDocs: false,
  });
  return {
    url: server.url,
    data,
    log: () => log.join(""),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

let conversations = 0;

/** Somebody at a socket. */
export class Stranger {
  readonly socket: RawSocket;

  constructor(url: string) {
    this.socket = new RawSocket(url, jsonCodec);
  }

  say(...messages: readonly Json[]): Promise<void> {
    return this.socket.say([JSON.stringify(messages)]);
  }

  /** Says hello with a token, and resolves with `welcome`, or with the error and the close code. */
  async hello(token: string): Promise<Hearing> {
    conversations += 1;
    const client = conversations.toString(16).padStart(32, "0");
    await this.say(["hello", { v: PROTOCOL_VERSION, token, client, conn: 1, sdk: "test/1", caps: [] }]);
    return Promise.race([
      this.socket.first("welcome").then(([, welcome]) => ({ welcome })),
      this.socket.closed.then((closed) => ({ error: this.socket.of("err")[0]?.[1], closed })),
    ]);
  }
}

/** What came of a hello. */
export interface Hearing {
  readonly welcome?: Json | undefined;
  readonly error?: Json | undefined;
  readonly closed?: number;
}

/** Says hello, and leaves. */
export async function knock(url: string, token: string): Promise<Hearing> {
  const stranger = new Stranger(url);
  const heard = await stranger.hello(token);
  stranger.socket.close();
  return heard;
}
