// The code in the documentation, as its readers would write it: the blocks of a page are one file, and it compiles.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONFIG = join(ROOT, "test/tsconfig.json");

/** The TypeScript of a page, in order. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
}

/** What the compiler says of files that exist only here; of nothing else, since the rest is checked elsewhere. */
function complaints(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(CONFIG, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(CONFIG));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const program = ts.createProgram([...files.keys()], { ...options, incremental: false }, host);
  const found = [...files.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  });
  return found.map(({ file, start = 0, messageText }) => {
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
    return `${file?.fileName.slice(ROOT.length)}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}

it("the code of README and guides compiles, and the README's application is the one in examples", () => {
  const [application = "", program = "", ...more] = blocksOf("README.md");
  expect(more).toEqual([]);
  expect(readFileSync(join(ROOT, "examples/mine/app.ts"), "utf8")).toContain(application);
  const [presenceApp = "", presenceClient = ""] = blocksOf("docs/PRESENCE.md");
  const files = new Map([
    [join(ROOT, "examples/mine/client.ts"), program],
    [join(ROOT, "docs/app.ts"), blocksOf("docs/DOCUMENT-TYPES.md").join("")],
    [join(ROOT, "docs/client.ts"), blocksOf("docs/STREAMS.md").join("")],
    [join(ROOT, "docs/transports.ts"), blocksOf("docs/TRANSPORTS.md").join("")],
    ...blocksOf("docs/CHANNELS.md").map((code, index) => [join(ROOT, `docs/channels-${index}.ts`), code] as const),
    ...blocksOf("docs/SERVERS.md").map((code, index) => [join(ROOT, `docs/servers-${index}.ts`), code] as const),
    [join(ROOT, "docs/presence-app.ts"), presenceApp],
    [join(ROOT, "docs/presence-client.ts"), presenceClient],
  ]);
  for (const code of files.values()) expect(code).not.toBe("");
  // So that it is known to be able to fail.
  files.set(join(ROOT, "docs/wrong.ts"), blocksOf("docs/STREAMS.md").join("").replace("index: 0", "indx: 0"));
  expect(complaints(files)).toEqual([expect.stringMatching(/^docs\/wrong\.ts:\d+ .*'indx' does not exist/)]);
});
