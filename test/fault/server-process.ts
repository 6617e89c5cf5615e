// The real server as a child process, started by the command that users type. It never outlives the process that
// started it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type FaultOptions, faultEnvironment } from "./preload/library.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const APP = fileURLToPath(new URL("app.ts", import.meta.url));
const ADDRESS = /https?:\/\/(127\.0\.0\.1|localhost):(\d+)/;
const START_MS = 30_000;
const STOP_MS = 10_000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  /** `ws://.../v1/socket`. */
  readonly socketUrl: string;
  readonly exited: Promise<Exit>;
  /** What it printed so far, both streams. */
  output(): string;
  /** SIGKILL, unless it is gone already. */
  kill(): Promise<Exit>;
  /** SIGTERM; after 10 s without an end, SIGKILL. */
  stop(): Promise<Exit>;
}

/** The server ended before it printed its address. */
export class StartFailed extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, output: string) {
    super(`the server ended (${exit.code ?? exit.signal}) before it served:\n${output}`);
    this.exit = exit;
  }
}

export interface ServerOptions {
  readonly faults: FaultOptions;
  /** Rows after which the journal is folded; low, so that folds happen. */
  readonly foldRows?: number;
  readonly environment?: { readonly [name: string]: string };
}

/** Starts the server over the database of `faults` and waits until it serves. Rejects with StartFailed. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const child = spawnServer(options);
  running.add(child);
  const exited = once(child, "exit").then(([code, signal]): Exit => {
    running.delete(child);
    return { code, signal };
  });
  const printed: string[] = [];
  const port = await addressOf(child, exited, printed);
  return {
    socketUrl: `ws://127.0.0.1:${port}/v1/socket`,
    exited,
    output: () => printed.join("\n"),
    kill() {
      child.kill("SIGKILL");
      return exited;
    },
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

function spawnServer({ faults, foldRows = 150, environment }: ServerOptions): ChildProcess {
  const args = ["bin/tidemark.mjs", "serve", APP, "--port", "0", "--host", "127.0.0.1", "--data", faults.database];
  // What this process was started with (a loader, a condition) is not for the server.
  const env = { ...process.env, NODE_OPTIONS: "", TIDEMARK_FOLD_ROWS: String(foldRows) };
  return spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...env, ...faultEnvironment(faults), ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function addressOf(child: ChildProcess, exited: Promise<Exit>, printed: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`the server printed no address:\n${printed.join("\n")}`));
    }, START_MS);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        if (printed.length < 500) printed.push(line);
        const port = ADDRESS.exec(line)?.[2];
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(Number(port));
      });
    }
    void exited.then((exit) => {
      clearTimeout(timer);
      reject(new StartFailed(exit, printed.join("\n")));
    });
  });
}
