// Compiles the C programs on first use and again when a source changed. The binaries live under node_modules/.cache,
// named by a hash of the sources; nothing else is written.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where binaries and databases of benchmarks go. */
export const CACHE_DIRECTORY = fileURLToPath(new URL("../node_modules/.cache/tidemark/", import.meta.url));
const SOURCES = fileURLToPath(new URL("native/", import.meta.url));

/** The path of a compiled program. Rejects when there is no working `cc`. */
export async function nativeProgram(name: "load" | "channel" | "documents" | "append-sync"): Promise<string> {
  const binary = join(CACHE_DIRECTORY, `${name}-${sourceHash()}`);
  if (existsSync(binary)) return binary;
  mkdirSync(CACHE_DIRECTORY, { recursive: true });
  // A rename, so that two runs which compile at once cannot see each other's half-written binary.
  const temporary = `${binary}.${process.pid}`;
  await promisify(execFile)("cc", ["-O2", "-Wall", "-Wextra", "-o", temporary, join(SOURCES, `${name}.c`)]);
  renameSync(temporary, binary);
  return binary;
}

function sourceHash(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(SOURCES).sort()) hash.update(file).update(readFileSync(join(SOURCES, file)));
  return hash.digest("hex").slice(0, 12);
}
