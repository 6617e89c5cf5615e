// Where and on what a benchmark ran: the machine and the commit, without which no figure means anything.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { Machine } from "./machine-line.js";
import { CACHE_DIRECTORY } from "./native.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What was measured. `changes` is a digest of what is not committed, null when all is. */
export interface Commit {
  readonly id: string;
  readonly changes: string | null;
}

export function thisMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    filesystem: filesystemOf(CACHE_DIRECTORY),
  };
}

/** What a benchmark writes is no change of what it measures. */
const SOURCES = [".", ":!bench/results", ":!bench/RESULTS.md", ":!bench/guard.json"];

export function thisCommit(): Commit {
  const id = git("rev-parse", "--short=10", "HEAD").trim();
  const status = git("status", "--porcelain", "--", ...SOURCES);
  if (id === "" || status === "") return { id: id === "" ? "unknown" : id, changes: null };
  const diff = git("diff", "HEAD", "--", ...SOURCES);
  return { id, changes: createHash("sha256").update(status).update(diff).digest("hex").slice(0, 10) };
}

function git(...args: readonly string[]): string {
  const { status, stdout } = spawnSync("git", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28 });
  return status === 0 ? stdout : "";
}

/** The type of the mount that holds a directory, as in ext4; "unknown" where there is no /proc. */
function filesystemOf(directory: string): string {
  mkdirSync(directory, { recursive: true });
  try {
    const mounts = readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([, at = ""]) => at === "/" || directory === at || directory.startsWith(`${at}/`));
    return mounts.sort(([, a = ""], [, b = ""]) => a.length - b.length).at(-1)?.[2] ?? "unknown";
  } catch {
    return "unknown";
  }
}
