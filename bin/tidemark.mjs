#!/usr/bin/env node
// Starts the command line, or says which Node it needs.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `tidemark needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer one from your package manager.\n`,
  );
  process.exit(2);
}
const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("tidemark is not built yet. Run: npm run build\n");
  process.exit(2);
}
await import(main.href);
