// Compiles faults.c on first use and names the environment that turns it on. It never starts a process itself.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("faults.c", import.meta.url));
const cache = fileURLToPath(new URL("../../../node_modules/.cache/tidemark", import.meta.url));

/** One fault: `what` (of `file`, else of all) fails or kills at call `first`, counted from 1. */
export interface Injection {
  readonly what: "write" | "sync";
  readonly file?: "main" | "wal";
  readonly first: number;
  readonly action: "EIO" | "ENOSPC" | "kill-before" | "kill-after";
  /** How many calls in a row; default 1. */
  readonly times?: number | "always";
}

export interface FaultOptions {
  /** Absolute path of the database without symbolic links. */
  readonly database: string;
  /** Where to record; absent: nothing is recorded. */
  readonly trace?: string;
  /** `late`: a sync of the log returns before it is done, so that every acknowledgement is too early. */
  readonly sync?: "honest" | "late";
  readonly inject?: readonly Injection[];
  /** The rules hold only while a file of this name is there. */
  readonly while?: string;
}

/** Path of the compiled library. Its name holds the hash of the source, so a changed source is compiled anew. */
export function faultLibrary(): string {
  const hash = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const library = `${cache}/faults-${hash}.so`;
  if (existsSync(library)) return library;
  mkdirSync(cache, { recursive: true });
  // Two test files may compile at once: each its own, and the rename decides.
  const own = `${library}.${process.pid}`;
  execFileSync("cc", ["-shared", "-fPIC", "-O2", "-Wall", "-o", own, source, "-ldl", "-lpthread"], { stdio: "pipe" });
  renameSync(own, library);
  return library;
}

/** Environment variables that put a process under the library. */
export function faultEnvironment(options: FaultOptions): Record<string, string> {
  const rules = (options.inject ?? []).map(
    (rule) =>
      `${rule.what}${rule.file === undefined ? "" : `@${rule.file}`}:${rule.first}:${rule.action}:${rule.times ?? 1}`,
  );
  return {
    LD_PRELOAD: faultLibrary(),
    TIDEMARK_FAULTS_DATABASE: options.database,
    ...(options.trace === undefined ? {} : { TIDEMARK_FAULTS_TRACE: options.trace }),
    ...(options.sync === "late" ? { TIDEMARK_FAULTS_SYNC: "late" } : {}),
    ...(rules.length === 0 ? {} : { TIDEMARK_FAULTS_INJECT: rules.join(",") }),
    ...(options.while === undefined ? {} : { TIDEMARK_FAULTS_WHILE: options.while }),
  };
}
