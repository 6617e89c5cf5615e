// Writes the generated files: npx tsx protocol/typescript/scripts/generate.ts. Prints the hash that version.ts records;
// whoever changes it decides first whether the change needs a new protocol version.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { renderFiles, schemaHash } from "./render.js";

for (const [path, text] of renderFiles()) {
  const file = new URL(`../../../${path}`, import.meta.url).pathname;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
process.stdout.write(`SCHEMA_HASH ${schemaHash()}\n`);
