// The commands of a page, typed into a shell, and what the page says that they print: lines that begin with `#>`, in which
// `...` is anything.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { ROOT } from "../e2e/cli/command-line.js";

/** How a page is typed. */
export interface Typing {
  /** What stands for the address in the page. */
  readonly url: string;
  /** Said to the shell before. */
  readonly prelude?: string;
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Types all commands of a page and compares; returns how many of them print something. */
export function expectPageToHold(page: string, { url, prelude = "", folder, env }: Typing): number {
  const { script, printed } = sessionOf(readFileSync(join(ROOT, page), "utf8"));
  const typed = `${prelude}\n${script.replaceAll("http://127.0.0.1:8787", url)}`;
  const { stdout, stderr, status } = spawnSync("bash", ["-eu", "-c", typed], {
    encoding: "utf8",
    cwd: folder,
    env: { ...process.env, ...env },
  });
  expect([status, stderr]).toEqual([0, ""]);
  const answers = stdout.split("\n---\n").slice(0, -1);
  const flat = answers.map((text) => text.trim().replaceAll(/\s+/g, " "));
  expect(flat).toEqual(printed.map((line) => expect.stringMatching(patternOf(line))));
  return printed.length;
}

function sessionOf(page: string): { script: string; printed: string[] } {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const lines = blocks.join("").split("\n");
  const says = (line: string): boolean => line.startsWith("#>");
  const printed = lines.filter(says).map((line) => line.slice(2).trim());
  const script = lines.map((line) => (says(line) ? "echo; echo ---" : line)).join("\n");
  return { script, printed };
}

function patternOf(printed: string): RegExp {
  const parts = printed.split("...").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}
