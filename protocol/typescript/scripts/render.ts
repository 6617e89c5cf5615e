// Renders what is generated from the protocol's source: the JSON Schemas and docs/ERRORS.md. It writes nothing.
import { createHash } from "node:crypto";
import { ERRORS } from "../src/errors.js";
import type { JsonObject } from "../src/json.js";
import { OPERATOR_ERRORS } from "../src/operator-errors.js";
import { CLIENT_SHAPES } from "../src/parse/client-shapes.js";
import { SERVER_SHAPES } from "../src/parse/server-shapes.js";
import type { Shape } from "../src/shape/shape.js";
import { PROTOCOL_VERSION } from "../src/version.js";

type Shapes = { readonly [type: string]: Shape<unknown> };

/** Text of each generated file, by path from the root of the repository. */
export function renderFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["protocol/schema/client-message.json", schema("What a client may send", CLIENT_SHAPES)],
    ["protocol/schema/server-message.json", schema("What a server may send", SERVER_SHAPES)],
    ["docs/ERRORS.md", errorsPage()],
  ]);
}

/** Names everything the wire's shapes say; recorded beside PROTOCOL_VERSION, so that neither changes alone. */
export function schemaHash(): string {
  const hash = createHash("sha256");
  for (const [path, text] of renderFiles()) if (path.endsWith(".json")) hash.update(text);
  return hash.digest("hex");
}

function schema(title: string, shapes: Shapes): string {
  const types = Object.entries(shapes);
  const document: JsonObject = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `${title}, protocol version ${PROTOCOL_VERSION}`,
    oneOf: types.map(([type]) => ({ $ref: `#/$defs/${type}` })),
    $defs: Object.fromEntries(types.map(([type, shape]) => [type, shape.schema])),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function errorsPage(): string {
  return `# Errors

Generated from the registry in \`protocol/typescript/src/errors.ts\` by \`npx tsx protocol/typescript/scripts/generate.ts\`.

Callers get a \`TidemarkError\` with \`code\`, \`outcome\`, \`retry\`, \`afterMs\`, \`fault\`, \`reason\`, \`data\` and \`hint\`.
Branch on \`code\`, \`reason\` and \`outcome\`, never on the text. \`outcome\` is \`rejected\` when the call was certainly not
applied, and \`unknown\` when it may have been. \`retry\` is \`never\` when repeating will not help, \`after\` when it will after
\`afterMs\`, and \`reconnect\` when it heals by itself. \`fault\` says whose doing it was.

## What callers meet

| code | retry | fault | what happened | what to do |
|---|---|---|---|---|
${Object.entries(ERRORS)
  .map(([code, known]) => `| \`${code}\` | ${known.retry} | ${known.fault} | ${known.message} | ${known.hint} |`)
  .join("\n")}

## What operators meet

A server that cannot start, or must stop, says which file or port it was and what to do about it.

| code | what happened |
|---|---|
${Object.entries(OPERATOR_ERRORS)
  .map(([code, message]) => `| \`${code}\` | ${message} |`)
  .join("\n")}
`;
}
