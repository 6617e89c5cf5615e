// Every page that a page points to is there, and has something to say.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const pagesIn = (directory: string): string[] =>
  readdirSync(join(ROOT, directory))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(directory, name));

const PAGES = [".", "docs", "docs/decisions", "protocol", "protocol/dialogues", "protocol/vectors", "bench"].flatMap(
  pagesIn,
);

/** What a page points to inside the repository, from the root. */
function targetsOf(page: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target.replace(/#.*$/, ""));
  return links
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
    .map((target) => normalize(join(dirname(page), target)));
}

function isThere(path: string): boolean {
  const found = statSync(join(ROOT, path), { throwIfNoEntry: false });
  return found !== undefined && (found.isDirectory() || found.size > 0);
}

it("links between pages lead somewhere", () => {
  const dead = PAGES.flatMap((page) =>
    targetsOf(page, readFileSync(join(ROOT, page), "utf8")).flatMap((path) =>
      isThere(path) ? [] : [`${page} -> ${path}`],
    ),
  );
  expect(dead).toEqual([]);
  expect(PAGES.length).toBeGreaterThan(20);
  expect(targetsOf("docs/A.md", "[b](../b.md#c) [d](https://d) [e](#e)")).toEqual(["b.md"]);
  expect(isThere("docs/no-such-page.md")).toBe(false);
});
