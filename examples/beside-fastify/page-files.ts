// What browsers are sent: the page as it stands, and its script bundled, both held in memory.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PAGE = new URL("./page/", import.meta.url);

/** A file of the page. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly content: string;
}

/** Bundles them. */
export async function pageFiles(): Promise<readonly PageFile[]> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page.ts", PAGE))],
    ...{ bundle: true, write: false, minify: true, format: "esm", platform: "browser", target: "es2022" },
  });
  const html = readFileSync(new URL("index.html", PAGE), "utf8");
  return [
    { path: "/", type: "text/html; charset=utf-8", content: html },
    { path: "/page.js", type: "text/javascript", content: outputFiles[0]?.text ?? "" },
  ];
}
