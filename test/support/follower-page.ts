// The page of pages/follower.ts as files that a server can serve.
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (name: string): string => fileURLToPath(new URL(`../e2e/pages/${name}`, import.meta.url));

/** A new folder with it. */
export async function bundleFollower(): Promise<string> {
  const outdir = mkdtempSync(join(tmpdir(), "tidemark-page-"));
  copyFileSync(path("follower.html"), join(outdir, "index.html"));
  const entryPoints = [path("follower.ts")];
  await build({ entryPoints, outdir, bundle: true, format: "esm", platform: "browser", target: "es2022" });
  return outdir;
}
