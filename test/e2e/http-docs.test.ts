// The commands of docs/HTTP.md, typed into a shell, print what stands below them.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT, Workplace } from "./cli/command-line.js";

let place: Workplace;
let url: string;

beforeAll(async () => {
  place = new Workplace();
  const server = place.start(["dev", join(ROOT, "examples/mine/app.ts"), "--port", "0", "--no-watch"]);
  [url = ""] = await server.said(/http:\/\/[\d.:]+/);
});
afterAll(() => place.close());

/** The commands of a page, and what it says that each prints. */
function sessionOf(page: string): { script: string; printed: string[] } {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  const lines = blocks.join("").split("\n");
  const printed = lines.filter((line) => line.startsWith("#> ")).map((line) => line.slice(3));
  const script = lines.map((line) => (line.startsWith("#> ") ? "echo; echo ---" : line)).join("\n");
  return { script, printed };
}

/** `...` is anything. */
function patternOf(printed: string): RegExp {
  const parts = printed.split("...").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

it("docs/HTTP.md works as typed", () => {
  const { script, printed } = sessionOf(readFileSync(join(ROOT, "docs/HTTP.md"), "utf8"));
  const here = script.replaceAll("http://127.0.0.1:8787", url);
  const { stdout, stderr, status } = spawnSync("bash", ["-eu", "-c", here], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  const answers = stdout
    .split("\n---\n")
    .slice(0, -1)
    .map((text) => text.trim());
  expect(answers).toEqual(printed.map((line) => expect.stringMatching(patternOf(line))));
  expect(printed.length).toBeGreaterThan(10);
});
