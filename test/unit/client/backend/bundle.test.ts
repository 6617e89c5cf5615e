// What applications get of the package: pages nothing of the backend's client, and backends a small one that imports
// nothing of any runtime.
import { build, type Metafile } from "esbuild";
import { expect, it } from "vitest";

const BYTES_MAX = 24_000;

async function bundled(entry: string, condition: string): Promise<{ bytes: number; files: string[]; text: string }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export * from "${entry}";`, resolveDir: import.meta.dirname },
    ...{ bundle: true, write: false, minify: true, metafile: true, format: "esm" },
    platform: condition === "node" ? "node" : "neutral",
    conditions: ["source", condition],
  });
  const text = outputFiles[0]?.text ?? "";
  return { bytes: text.length, files: filesOf(metafile), text };
}

const filesOf = ({ outputs }: Metafile): string[] =>
  Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );

it("a page's client has nothing of the backend's", async () => {
  const { files } = await bundled("@tidemark/client", "browser");
  expect(files.filter((file) => /\/backend\/|platform\/request/.test(file))).toEqual([]);
});

it.each([["node"], ["browser"], ["worker"]])(
  "a backend's client is small and needs nothing but fetch (%s)",
  async (condition) => {
    const { bytes, files, text } = await bundled("@tidemark/client/http", condition);
    expect(files.filter((file) => /msgpackr|\/ws\/|platform\/(node|browser)/.test(file))).toEqual([]);
    expect(text).not.toMatch(/\bimport\b|\brequire\(|\bprocess\.|\bBuffer\b/);
    expect(bytes).toBeLessThan(BYTES_MAX);
  },
);
