// Which rule of SPEC.md which dialogues are about, and why some have none: the table that stands in
// protocol/dialogues/README.md.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { clientDialogues, type Dialogue, serverDialogues } from "./dialogue.js";

/** One rule, and the files that are about it. */
export interface Covered {
  readonly rule: string;
  readonly server: readonly string[];
  readonly client: readonly string[];
  /** Why there are no dialogues, or what those there are leave out. */
  readonly note: string | undefined;
}

const RULE = /^- \*\*([A-Z]+-\d+)\*\*/gm;
const protocol = (path: string): string => readFileSync(new URL(`../../../protocol/${path}`, import.meta.url), "utf8");

/** All rules of SPEC.md in its order. */
export function specRules(): string[] {
  return [...protocol("SPEC.md").matchAll(RULE)].flatMap(([, rule]) => (rule === undefined ? [] : [rule]));
}

/** What is said of rules in unscripted.json. */
export function unscripted(): Readonly<Record<string, string>> {
  return z.record(z.string(), z.string().min(1)).parse(JSON.parse(protocol("dialogues/unscripted.json")));
}

/** Every rule with its dialogues. */
export function coverage(): Covered[] {
  const server = serverDialogues();
  const client = clientDialogues();
  const notes = unscripted();
  return specRules().map((rule) => ({
    rule,
    server: about(rule, server),
    client: about(rule, client),
    note: notes[rule],
  }));
}

/** The table, in Markdown. */
export function coverageTable(rows: readonly Covered[]): string {
  const head = ["| rule | of servers | of clients | otherwise |", "|---|---|---|---|"];
  const lines = rows.map(
    ({ rule, server, client, note }) => `| ${rule} | ${server.join(", ")} | ${client.join(", ")} | ${note ?? ""} |`,
  );
  return [...head, ...lines].map((line) => line.replaceAll("|  |", "| |").replaceAll("|  |", "| |")).join("\n");
}

function about(rule: string, dialogues: readonly Dialogue<unknown>[]): string[] {
  return dialogues.filter(({ rules }) => rules.includes(rule)).map(({ file }) => file);
}
