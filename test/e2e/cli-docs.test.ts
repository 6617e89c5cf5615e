import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, Workplace } from "./cli/command-line.js";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const COMMANDS = ["dev", "serve", "edge", "call", "publish", "get", "tail", "list", "token", "key"];

/** `--flag <value>` as written, with the environment's name for it or "". */
type Flags = Record<string, string>;

/** The flags in the help, whose lines are wrapped. */
function flagsOfHelp(help: string): Flags {
  const options = help.slice(help.indexOf("Options:"), help.indexOf("Examples:"));
  const entries = options.split(/\n(?= {2}-)/).slice(1);
  return Object.fromEntries(
    entries
      .map((entry) => entry.replaceAll(/\s+/g, " ").trim())
      .filter((entry) => !entry.startsWith("-h, --help"))
      .map((entry) => [
        /^--[a-z-]+(?: [<[][a-z]+[>\]])?/.exec(entry)?.[0] ?? entry,
        /env: (\w+)/.exec(entry)?.[1] ?? "",
      ]),
  );
}

/** The flags in a section's table. */
function flagsOfPage(section: string): Flags {
  const rows = [...section.matchAll(/^\| `(--[^`]+)` \|[^|]*\|([^|]*)\|/gm)];
  return Object.fromEntries(rows.map(([, flag = "", twin = ""]) => [flag, twin.trim().replaceAll("`", "")]));
}

describe("docs/CLI.md and --help", () => {
  let place: Workplace;
  const sections = new Map(
    read("docs/CLI.md")
      .split("\n## tidemark ")
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf("\n")), section]),
  );

  beforeAll(() => {
    place = new Workplace();
  });
  afterAll(() => place.close());

  it("have the same commands", async () => {
    const { stdout: text } = await place.run(["--help"]);
    const listed = text.slice(text.indexOf("Commands:")).matchAll(/^ {2}([a-z]+) \[options\]/gm);
    expect([...listed].map(([, name]) => name)).toEqual(COMMANDS);
    expect([...sections.keys()]).toEqual(COMMANDS);
  });

  it.for(COMMANDS)("have the same flags of %s, with the same environment twins", async (command) => {
    const { code, stdout } = await place.run([command, "--help"]);
    expect(code).toBe(0);
    const flags = flagsOfHelp(stdout);
    expect(Object.keys(flags)).toContain("--json");
    expect(flagsOfPage(sections.get(command) ?? "")).toEqual(flags);
    expect(stdout).toMatch(new RegExp(`Examples:\\n {2}# .*\\n {2}tidemark ${command} `));
    // What later versions bring is absent, not announced.
    expect(stdout).not.toMatch(/--key|rewind|--drain/);
  });
});

describe("README.md", () => {
  it("shows examples/mine/app.ts as it is", () => {
    const code = [...read("README.md").matchAll(/```ts\n(.*?)```/gs)].map(([, text]) => text);
    expect(code).toContain(read("examples/mine/app.ts"));
  });
});
