// The packages of a peer, kept away from those of the product: each peer has its own folder with its own lock file, and is
// installed when a benchmark first asks for it. It starts nothing.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CACHE_DIRECTORY } from "./native.js";

const SOURCES = fileURLToPath(new URL("peers/", import.meta.url));
/** Written last: a folder without it was cut short. */
const COMPLETE = "complete";

/** The names of folders under `peers/` that have packages. */
export type PeerName =
  | "aedes"
  | "colyseus"
  | "deepstream"
  | "hocuspocus"
  | "logux"
  | "river"
  | "sharedb"
  | "socketio"
  | "tldraw";

/** The folder of a peer with its packages, installed as its lock file says. Its programs are copied anew each time. Rejects
 * with what npm said. */
export async function peerFolder(name: PeerName): Promise<string> {
  const source = join(SOURCES, name);
  const lock = readFileSync(join(source, "package-lock.json"));
  const version = createHash("sha256").update(lock).digest("hex").slice(0, 12);
  const folder = join(CACHE_DIRECTORY, "peers", `${name}-${version}`);
  cpSync(source, folder, { recursive: true });
  if (existsSync(join(folder, COMPLETE))) return folder;
  console.log(`installing the packages of the peer ${name}, once, into ${folder}`);
  // Some ask for a newer Node than they need; none needs a program of its own when it is installed.
  const options = [
    "--no-engine-strict",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--omit=dev",
    "--omit=optional",
  ];
  try {
    await promisify(execFile)("npm", ["ci", ...options], { cwd: folder });
  } catch (error) {
    throw new Error(`the packages of the peer ${name} could not be installed: ${String(error)}`);
  }
  writeFileSync(join(folder, COMPLETE), "");
  return folder;
}
