// Runs the real server as a process of its own, the built one that is published, and stops it by pid in any way.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/tidemark.mjs", import.meta.url));

/** How to start one. */
export interface ServerProcessOptions {
  /** Path of the application file. */
  readonly app: string;
  readonly data: string;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly command?: "serve" | "dev";
}

/** A server process that has printed its address. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Everything it wrote to standard error. */
  readonly stderr: () => string;
  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a server and waits for its address. Rejects with what it said when it ends before. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { app, data, port = 0, args = [], env = {}, command = "serve" } = options;
  const argv = [BIN, command, app, "--port", String(port), "--data", data, ...args];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = once(child, "exit");
  const url = await Promise.race([
    addressOf(child.stdout),
    ended.then(([code]) => Promise.reject(new Error(`the server ended with ${String(code)}: ${stderr}`))),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    process: child,
    stderr: () => stderr,
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

async function addressOf(stdout: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on("line", (line) => {
      const address = /https?:\/\/\S+/.exec(line)?.[0];
      if (address !== undefined) resolve(address);
    });
  });
}
