// Generated files are what the source says, and the protocol's version moves with its shapes.
import { readdirSync, readFileSync } from "node:fs";
import { ERRORS, LIMITS, OPERATOR_ERRORS } from "@tidemark/protocol";
import { expect, test } from "vitest";
import { renderFiles, schemaHash } from "../../../protocol/typescript/scripts/render.js";
import { PROTOCOL_VERSION, SCHEMA_HASH } from "../../../protocol/typescript/src/version.js";

const root = new URL("../../../", import.meta.url);
const onDisk = (path: string): string => readFileSync(new URL(path, root), "utf8");

test.each([...renderFiles()])("%s is up to date: npx tsx protocol/typescript/scripts/generate.ts", (path, text) => {
  expect(onDisk(path)).toBe(text);
});

test("protocol/schema holds generated files only", () => {
  const generated = [...renderFiles().keys()].filter((path) => path.startsWith("protocol/schema/"));
  expect(
    readdirSync(new URL("protocol/schema/", root))
      .map((name) => `protocol/schema/${name}`)
      .sort(),
  ).toEqual(generated.sort());
});

test("[ERR-1] docs/ERRORS.md has every code of the registry and no other", () => {
  const documented = [...onDisk("docs/ERRORS.md").matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
  expect(documented).toEqual([...Object.keys(ERRORS), ...Object.keys(OPERATOR_ERRORS)]);
});

test("the shapes are those of the recorded version: decide on PROTOCOL_VERSION, SPEC.md and vectors, then record the hash", () => {
  expect({ version: PROTOCOL_VERSION, hash: schemaHash() }).toEqual({ version: 1, hash: SCHEMA_HASH });
});

test("the limits named in SPEC.md are those in force", () => {
  expect(LIMITS).toMatchObject({
    depthMax: 64,
    envelopeDepth: 4,
    frameMessagesMax: 256,
    frameFlushBytes: 256 * 1_024,
    helloTimeoutMs: 15_000,
    requestHorizonMs: 7 * 24 * 3_600_000,
    bornAheadMs: 60_000,
    headsPerPing: 64,
    backoffBaseMs: 250,
    backoffCapMs: 5_000,
    outboundHardBytes: 16 * 1_024 * 1_024,
    keyLengthMax: 128,
    typeLengthMax: 64,
  });
});
