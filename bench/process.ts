// A server under measurement: started on its core, known by the address it prints, stopped by its own pid. It never
// outlives the benchmark.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { askMemory, type MemoryUsage, MemoryWatch, type ServerMemory } from "./memory.js";
import { pinned } from "./pinning.js";

const MEMORY_PROBE = new URL("memory-probe.mjs", import.meta.url).href;
const ROOT = fileURLToPath(new URL("../", import.meta.url));
const ADDRESS = /127\.0\.0\.1:(\d+)/;
/** Of the clock in /proc, on every Linux there is. */
const TICKS_PER_SECOND = 100;
const START_TIMEOUT_MS = 20_000;
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A running server. `taskset` replaces itself, so the pid is the server's own. */
export interface ServerProcess {
  readonly port: number;
  /** Where its load is to run: on the other core, or wherever there is room beside a server on all of them. */
  readonly cores: "load" | "any";
  readonly pid: number;
  /** What it holds now, bytes; `collect` lets it collect its garbage first. */
  memory(options?: { readonly collect: boolean }): Promise<MemoryUsage>;
  /** Ends it and waits until it is gone. */
  stop(): Promise<void>;
  /** Ends it like a power cut would, and waits until it is gone. */
  kill(): Promise<void>;
}

/** How a server is started. `cores`: its own, or all there are, for one that uses several. */
export interface StartOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly hear?: (line: string) => void;
  readonly cores?: "server" | "any";
}

/** Starts a Node program and waits for the line with its address. Rejects, with what it printed, when none comes.
 * `hear` gets each line it prints. */
export async function startServer(
  args: readonly string[],
  { environment = {}, hear, cores = "server" }: StartOptions = {},
): Promise<ServerProcess> {
  const [command, commandArgs] = pinned(cores, process.execPath, ["--import", MEMORY_PROBE, ...args]);
  const child = spawn(command, commandArgs, {
    cwd: ROOT,
    env: { ...process.env, ...environment, BENCH_MEMORY_PROBE: "1" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const port = await addressOf(child, hear);
  if (child.pid === undefined) throw new Error("a server without a pid");
  return {
    ...{
      port,
      pid: child.pid,
      cores: cores === "any" ? "any" : "load",
      memory: (options) => askMemory(child, options),
    },
    ...{ stop: () => stop(child, "SIGTERM"), kill: () => stop(child, "SIGKILL") },
  };
}

/** Looks at a server's memory for as long as `use` takes. */
export async function watchingMemory<T>(
  server: ServerProcess,
  use: () => Promise<T>,
): Promise<{ readonly result: T; readonly memory: ServerMemory | undefined }> {
  const watch = new MemoryWatch(server.pid, { ask: () => server.memory() });
  try {
    const result = await use();
    return { result, memory: watch.stop() };
  } finally {
    watch.stop();
  }
}

function addressOf(child: ChildProcess, hear: ((line: string) => void) | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const printed: string[] = [];
    const fail = (why: string) => reject(new Error(`${why}:\n${printed.join("\n")}`));
    const timer = setTimeout(() => fail("the server printed no address"), START_TIMEOUT_MS);
    child.once("error", reject);
    child.once("exit", () => fail("the server ended before it served"));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        if (printed.length < 50) printed.push(line);
        hear?.(line);
        const port = ADDRESS.exec(line)?.[1];
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(Number(port));
      });
    }
  });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await gone;
  clearTimeout(timer);
}

/** What a process has used so far, all threads, user and system; NaN where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}
