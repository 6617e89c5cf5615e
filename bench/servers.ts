// Starts the servers that scenarios compare: Tidemark as its users run it, and the peers. Each gets an empty database
// on the file system of this clone (a memory file system would make a sync cost nothing), removed afterwards.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LoadShape, type MeasuredLoad, runLoad } from "./load.js";
import { CACHE_DIRECTORY } from "./native.js";
import { type ServerProcess, startServer, watchingMemory } from "./process.js";
import type { RunLength } from "./scenario.js";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What can be started; each is given a fresh directory. */
export type ServerKind = (directory: string) => Promise<ServerProcess>;

/** What a server under test is told besides; its own defaults otherwise. */
export interface Settings {
  readonly port?: number;
  /** Unloads a document that was not used for so long. */
  readonly idleMs?: number;
  /** Prints what it counted so often, for `hear`. */
  readonly figuresMs?: number;
  readonly hear?: (line: string) => void;
}

/** The server under test, from the same command that users type, with settings. */
export const tidemarkWith =
  ({ port = 0, idleMs, figuresMs, hear }: Settings): ServerKind =>
  (directory) =>
    startServer(
      [
        path("../bin/tidemark.mjs"),
        ...["serve", path("app.ts"), "--port", String(port), "--host", "127.0.0.1", "--http-rate", "0"],
        ...["--connections-max", "0", "--data", join(directory, "bench.db")],
        ...(idleMs === undefined ? [] : ["--idle-ms", String(idleMs)]),
        ...(figuresMs === undefined ? [] : ["--figures-ms", String(figuresMs)]),
      ],
      hear === undefined ? {} : { hear },
    );

export const tidemark: ServerKind = tidemarkWith({});

/** The same with so many edges, on every core. */
export const tidemarkWithEdges =
  (edges: number): ServerKind =>
  (directory) =>
    startServer(
      [
        path("../bin/tidemark.mjs"),
        ...["serve", path("app.ts"), "--port", "0", "--host", "127.0.0.1", "--connections-max", "0"],
        ...["--data", join(directory, "bench.db"), "--edges", String(edges)],
      ],
      { cores: "any" },
    );

/** A bare ws server that sends each frame back. */
export const echo: ServerKind = () => startServer([path("peers/echo.mjs")]);

/** Tidemark's documents and store, with one `ws.send` for each subscriber and delta. */
export const naiveFanOut: ServerKind = (directory) =>
  startServer(["--import", "tsx", path("peers/naive-fanout.ts"), join(directory, "bench.db")]);

/** Bare sockets that are written to as fast as they drain, so many deltas with each write. */
export const rawLoop =
  (sockets: number, delta: string, deltasPerWrite: number): ServerKind =>
  () =>
    startServer([path("peers/raw-loop.mjs"), String(sockets), delta, String(deltasPerWrite)]);

/** Bare sockets that get so many bytes each when they ask. */
export const rawBurst =
  (bytes: number): ServerKind =>
  () =>
    startServer([path("peers/raw-burst.mjs"), String(bytes)]);

/** A directory of its own on the file system under test, for as long as `use` takes. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  mkdirSync(CACHE_DIRECTORY, { recursive: true });
  removeAbandoned();
  const directory = mkdtempSync(join(CACHE_DIRECTORY, `bench-${process.pid}-`));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What benchmarks that were killed have left behind. */
function removeAbandoned(): void {
  for (const name of readdirSync(CACHE_DIRECTORY)) {
    const owner = /^bench-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner)))
      rmSync(join(CACHE_DIRECTORY, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A server of its own, for as long as `use` takes. */
export function withServer<T>(kind: ServerKind, use: (server: ServerProcess) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const server = await kind(directory);
    try {
      return await use(server);
    } finally {
      await server.stop();
    }
  });
}

/** One load against a fresh server. */
export function loadAgainst(kind: ServerKind, shape: LoadShape, length: RunLength): Promise<MeasuredLoad> {
  return withServer(kind, async (server) => {
    const target = { port: server.port, serverPid: server.pid, cores: server.cores, ...length };
    const { result, memory } = await watchingMemory(server, () => runLoad(shape, target));
    return memory === undefined ? result : { ...result, memory };
  });
}
