// A server in this process with a small application and whatever ways to come in a test asks for, its log kept as text; and
// a stranger who says hello to it over a real socket.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Json, jsonCodec, LIMITS, PROTOCOL_VERSION } from "@tidemark/protocol";
import { defineApp, documentType } from "tidemark";
import { z } from "zod";
import { makeKey } from "../../src/auth/api-key.js";
import type { StoredKey } from "../../src/auth/credential-store.js";
import { type Identity, resolveApp } from "../../src/document/definition/define-app.js";
import { makeLogger } from "../../src/observability/logger.js";
import { systemRuntime } from "../../src/runtime/system-runtime.js";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server.js";
import { openKeyFile } from "../../src/storage/sqlite/key-file.js";
import { RawSocket } from "./raw-socket.js";

const note = documentType({
  state: z.object({ text: z.string() }),
  init: () => ({ text: "" }),
  canOpen: (viewer) => viewer.roles.includes("reader"),
  canHistory: () => true,
  messages: (message) => ({
    write: message(z.string(), (ctx, text) => {
      ctx.state.text = text;
    }),
    // Whoever comes in may, whatever they may read.
    shout: message(
      z.string(),
      (ctx, text) => {
        ctx.state.text = text.toUpperCase();
      },
      () => true,
    ),
  }),
});

/** What a test may say of its server. */
export interface Secured extends Pick<ServerOptions, "jwt" | "authDeadlineMs"> {
  /** The file of a server before, to go on with; it is left there. */
  readonly data?: string;
  readonly authenticate?: (token: string) => Identity | null | Promise<Identity | null>;
}

/** A running one. */
export interface SecuredServer {
  readonly url: string;
  readonly data: string;
  /** Everything it logged, at every level. */
  log(): string;
  /** Ends it, and removes its files unless they are to be kept. */
  close(options?: { readonly keep: boolean }): Promise<void>;
}

/** Starts one on a free port. */
export async function startSecured({ jwt, authenticate, authDeadlineMs, ...given }: Secured): Promise<SecuredServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-secured-"));
  const data = given.data ?? join(folder, "notes.db");
  const log: string[] = [];
  const documents = { note };
  const server: RunningServer = await startServer({
    app: resolveApp(authenticate === undefined ? defineApp({ documents }) : defineApp({ documents, authenticate })),
    runtime: systemRuntime,
    logger: makeLogger("debug", { write: (line: string) => void log.push(line) }),
    ...{ host: "127.0.0.1", port: 0, data, origins: [], devTokens: false, jwt, authDeadlineMs },
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
    async close({ keep } = { keep: false }) {
      await server.close();
      if (!keep) rmSync(dirname(data), { recursive: true, force: true });
      if (given.data !== undefined) rmSync(folder, { recursive: true, force: true });
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

/** A key of that file, as the command line makes it, whether a server has the file open or not. */
export function keyIn(data: string, fields: Pick<StoredKey, "name" | "grants"> & Partial<StoredKey>): string {
  const file = openKeyFile(data, { create: true });
  const { token, stored } = makeKey(systemRuntime, { space: "", powers: [], expiresAt: undefined, ...fields });
  file.save([stored]);
  file.close();
  return token;
}

/** A request with a token. */
export async function request(
  server: Pick<SecuredServer, "url">,
  token: string,
  { path, method = "GET", body }: { readonly path: string; readonly method?: string; readonly body?: unknown },
): Promise<{ readonly status: number; readonly code: unknown; readonly body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(new URL(path, server.url), {
    ...{ method, headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer: Record<string, unknown> = text === "" ? {} : JSON.parse(text);
  return { status: response.status, code: answer.code, body: answer };
}
