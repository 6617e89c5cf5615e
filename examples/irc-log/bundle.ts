// Bundles the page for browsers into a folder that the server serves as it is.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PAGE = fileURLToPath(new URL("./page/", import.meta.url));
const OUT = fileURLToPath(new URL("./.tidemark/page/", import.meta.url));

/** Builds and returns the folder. */
export async function bundlePage(): Promise<string> {
  mkdirSync(OUT, { recursive: true });
  await build({
    entryPoints: [join(PAGE, "page.ts")],
    outfile: join(OUT, "page.js"),
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    sourcemap: true,
    logLevel: "warning",
  });
  for (const file of ["index.html", "page.css"]) copyFileSync(join(PAGE, file), join(OUT, file));
  return OUT;
}
