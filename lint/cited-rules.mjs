// Every rule of the protocol and every invariant in force is cited by the title of at least one test, and no test cites
// one that does not exist.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const RULE = /^- \*\*([A-Z]+-\d+)\*\*/gm;
const INVARIANT = /^\| (R\d+) /gm;
// A title that cites begins with what it cites; one of an attack says so before.
const TITLE = /["'`](?:\[SEC\] )?((?:\[(?:[A-Z]+-\d+|R\d+)\] ?)+)/g;
const CITED = /\[([A-Z]+-\d+|R\d+)\]/g;

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const all = (pattern, text) => [...text.matchAll(pattern)].map((match) => match[1]);

const known = new Set([...all(RULE, read("protocol/SPEC.md")), ...all(INVARIANT, read("docs/INVARIANTS.md"))]);

const root = new URL("../test/", import.meta.url).pathname;
const cited = new Map();
for (const file of readdirSync(root, { recursive: true })) {
  if (!/\.(test|contract)\.ts$/.test(file)) continue;
  for (const [, title] of readFileSync(join(root, file), "utf8").matchAll(TITLE)) {
    for (const id of all(CITED, title)) cited.set(id, file);
  }
}

const uncited = [...known].filter((id) => !cited.has(id));
const unknown = [...cited].filter(([id]) => !known.has(id));
for (const id of uncited) console.error(`${id} is cited by no test`);
for (const [id, file] of unknown) console.error(`${id}, cited in test/${file}, is no rule or invariant`);
console.log(`${known.size} rules and invariants, ${known.size - uncited.length} cited`);
if (uncited.length + unknown.length > 0) process.exitCode = 1;
