// The server that `dev` runs: anybody from this machine is who they say, and a stranger cannot reach it. Either it is
// this process, or a child that a supervisor restarts.
import { LIMITS } from "@tidemark/protocol";
import type { RunningServer } from "../server.js";
import { summarise } from "./app-summary.js";
import { type AppSummary, STOP, type Word } from "./dev-words.js";
import { EXIT, finish } from "./exit.js";
import { plainError } from "./failure.js";
import type { ServerFlags } from "./flags.js";
import { loadApplication } from "./load-application.js";
import { serveUntil, startServing } from "./serving.js";

const MANNER = { host: "127.0.0.1", devTokens: true, idleMs: LIMITS.idleUnloadMs };

/** Runs it in this process until `stopped`. Throws OperatorError. */
export async function serveHere(
  file: string | undefined,
  flags: ServerFlags,
  stopped: Promise<void>,
  serving: (url: string, app: AppSummary) => void,
): Promise<void> {
  const { server, app } = await start(file, flags, () => undefined);
  serving(server.url, app);
  await serveUntil(server, stopped);
}

/** Runs it as a supervisor's child: speaks by messages, and ends when told to or when the supervisor is gone. */
export async function serveSupervised(file: string, flags: ServerFlags): Promise<void> {
  const stopped = told();
  try {
    const { server, app } = await start(file, flags, (source) => void tell({ kind: "imported", file: source }));
    await tell({ kind: "serving", url: server.url, app });
    await serveUntil(server, stopped);
  } catch (failure) {
    const error = plainError(failure);
    if (error === undefined) throw failure;
    await tell({ kind: "failed", error });
    await finish(EXIT.failed);
  }
}

interface Started {
  readonly server: RunningServer;
  readonly app: AppSummary;
}

async function start(file: string | undefined, flags: ServerFlags, imported: (file: string) => void): Promise<Started> {
  const app = await loadApplication(file, imported);
  return { server: await startServing(app, flags, MANNER), app: summarise(app) };
}

function told(): Promise<void> {
  // Ctrl-C goes to the whole group of a terminal; the supervisor decides what it means.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve());
    process.on("disconnect", () => resolve());
    // The supervisor may be gone before this process could listen: nobody would ever stop it.
    if (!process.connected) resolve();
    process.on("message", (message) => {
      if (message === STOP) resolve();
    });
  });
}

/** Resolves when the supervisor has the word, or cannot have it. */
function tell(word: Word): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(word, undefined, undefined, () => resolve());
  });
}
