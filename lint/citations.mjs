// What the titles of tests may cite, and which of them do: rules of the protocol, invariants, rows of attacks. It reads files
// and judges nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const RULE = /^- \*\*([A-Z]+-\d+)\*\*/gm;
const INVARIANT = /^\| (R\d+) /gm;
const ATTACK = /^\| (S\d+) \| (.+?) \|/gm;
const ID = String.raw`\[(?:[A-Z]{2,}(?:-\d+)?|[RS]\d+)\]`;
/** A title that cites begins with what it cites. */
const TITLE = new RegExp(`["'\`]((?:${ID} ?)+)`, "g");
const ROOT = new URL("../", import.meta.url).pathname;

const read = (path) => readFileSync(join(ROOT, path), "utf8");
const all = (pattern, text) => [...text.matchAll(pattern)].map((match) => match[1]);

/** Rows of docs/SECURITY.md: what is attacked, by id. */
export const attacks = () => new Map([...read("docs/SECURITY.md").matchAll(ATTACK)].map(([, id, what]) => [id, what]));

/** Everything that some test must cite. */
export const citable = () =>
  new Set([...all(RULE, read("protocol/SPEC.md")), ...all(INVARIANT, read("docs/INVARIANTS.md")), ...attacks().keys()]);

/** What a text cites, also one that begins with something else. */
export const citedIn = (text) => [...text.matchAll(new RegExp(ID, "g"))].map(([id]) => id.slice(1, -1));

/** What the titles of each file of tests cite, by its path. */
export function citations() {
  const files = readdirSync(join(ROOT, "test"), { recursive: true }).filter((file) =>
    /\.(test|contract)\.ts$/.test(file),
  );
  return new Map(
    files.map((file) => [`test/${file}`, new Set(all(TITLE, read(`test/${file}`)).flatMap((title) => citedIn(title)))]),
  );
}
