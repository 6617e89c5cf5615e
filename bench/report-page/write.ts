// The report: one page with the record, the charts' program and their library in it, so that it can be kept, sent and
// opened anywhere. It measures nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { BenchRecord } from "../record.js";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Writes it and says where. */
export async function writeReport(record: BenchRecord, path: string): Promise<string> {
  writeFileSync(path, await reportPage(record));
  return path;
}

/** Its text. */
export async function reportPage(record: BenchRecord): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file("page.ts")],
    ...{ bundle: true, minify: true, write: false, format: "iife", target: "es2022", logLevel: "silent" },
  });
  // A script ends at the first `</script`, whatever it is part of.
  const script = outputFiles.map(({ text }) => text.replaceAll("</script", "<\\/script")).join("");
  const data = JSON.stringify(record).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidemark, measured: ${record.commit.id}</title>
<style>
${readFileSync(file("page.css"), "utf8")}</style>
</head>
<body>
<header></header>
<main></main>
<script type="application/json" id="record">${data}</script>
<script>${script}</script>
</body>
</html>
`;
}
