// The protocol as a browser gets it: bundled for one, and run where there is no Buffer and nothing of Node.
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";

const SCRIPT = `
  const message = ["c", 1, "a/b", "say", { text: "é🌊" + "x".repeat(100), constructor: 1 }, { born: 1 }];
  JSON.stringify(protocol.CODECS.map((codec) => {
    const frame = codec.join([codec.encode(message), codec.encode(message)]);
    return codec.decode(frame, { bytesMax: 10000, depthMax: 64 }).map(protocol.parseClientMessage);
  }))`;

test("[FRAME-2] the codecs do the same in a browser", async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "@tidemark/protocol";', resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    globalName: "protocol",
    conditions: ["source"],
  });
  const browser = createContext({ TextEncoder, TextDecoder });
  const message: unknown[] = ["c", 1, "a/b", "say", { text: `é🌊${"x".repeat(100)}`, constructor: 1 }, { born: 1 }];
  runInContext(outputFiles[0]?.text ?? "", browser);
  expect(JSON.parse(runInContext(SCRIPT, browser))).toEqual([
    [message, message],
    [message, message],
  ]);
});
