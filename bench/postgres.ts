// A PostgreSQL of its own for a peer that keeps its documents there: the machine's program, an empty cluster on the file
// system under test, with its defaults (every commit is synced). It runs on the server's core, as a store beside it would.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./free-port.js";
import { pinned } from "./pinning.js";

const DEBIAN = "/usr/lib/postgresql";
const START_TIMEOUT_MS = 20_000;

/** A running one. */
export interface Postgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** Where its programs are: on the PATH, or where Debian puts them. Throws with how to get them. */
function programs(): string {
  if (spawnSync("initdb", ["--version"]).status === 0) return "";
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(DEBIAN, version, "bin/")).find((path) => existsSync(`${path}initdb`));
  if (found === undefined) throw new Error("this peer needs PostgreSQL (Debian: apt-get install postgresql)");
  return found;
}

/** The command as somebody who may run it: PostgreSQL refuses to be run by root. */
function asUser(command: string, args: readonly string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, [...args]];
  return ["setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", command, ...args]];
}

function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const ids = ["-u", "-g"].map((flag) => Number(spawnSync("id", [flag, name], { encoding: "utf8" }).stdout));
  return { uid: ids[0] ?? 0, gid: ids[1] ?? 0 };
}

/** Makes a cluster within the directory and starts it. Rejects with what it said. */
export async function startPostgres(directory: string): Promise<Postgres> {
  const path = programs();
  const data = join(directory, "postgres");
  mkdirSync(data);
  if (process.getuid?.() === 0) {
    const { uid, gid } = userOf("postgres");
    for (const owned of [directory, data]) chownSync(owned, uid, gid);
  }
  const made = asUser(`${path}initdb`, ["-D", data, "-U", "bench", "-A", "trust", "--no-instructions"]);
  await promisify(execFile)(...made, { cwd: "/" });
  const port = await freePort();
  const options = [
    "-D",
    data,
    "-p",
    String(port),
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    `unix_socket_directories=`,
  ];
  const [command, args] = asUser(`${path}postgres`, [...options, "-c", "max_connections=64"]);
  const child = spawn(...pinned("server", command, args), { stdio: "ignore", cwd: "/" });
  const kill = (): void => void child.kill("SIGQUIT");
  process.once("exit", kill);
  await accepting(`${path}pg_isready`, port);
  const stop = async (): Promise<void> => {
    process.off("exit", kill);
    await ended(child);
  };
  return { url: `postgresql://bench@127.0.0.1:${port}/postgres`, stop };
}

async function accepting(isReady: string, port: number): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (spawnSync(isReady, ["-q", "-h", "127.0.0.1", "-p", String(port)]).status !== 0) {
    if (Date.now() > until) throw new Error("PostgreSQL did not start");
    await delay(100);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  // Immediate shutdown: nobody needs what is in it.
  child.kill("SIGQUIT");
  await gone;
}
