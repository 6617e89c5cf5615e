// Patches against documents: the applier refuses with a PatchError or gives a document within its budget, and never
// touches what it was given. A frame is JSON text of `[document, operations]`.
import { applyJsonPatch, applyPatch, type Json, PatchError, parseServerMessage } from "@tidemark/protocol";
import { mutateBytes, type Random } from "./byte-mutation.js";
import { type Input, type Target, Violation } from "./target.js";
import { mutateValue } from "./value-mutation.js";

const BYTES_MAX = 32_768;
const DOCUMENT = { list: [1, "two", { three: [3] }], text: "abc", "a/b": { "~": null } };
const COMPACT = [
  ["+", "/list/0", { x: 1 }],
  ["=", "/list/1", "y"],
  [">", "/a~1b", "/moved"],
  ["~", "/text", "d"],
  ["-", "/list/2"],
];
const STANDARD = [
  { op: "test", path: "/text", value: "abc" },
  { op: "copy", from: "/list", path: "/list/-" },
  { op: "move", from: "/list/3", path: "/a~1b/~0" },
  { op: "replace", path: "", value: { n: 1 } },
];

const frameOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value) ?? "null");

function read(frame: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(frame).toString()) as Json;
  } catch {
    return undefined;
  }
}

/** The patch applier. */
export class PatchTarget implements Target {
  readonly name = "patch";
  readonly seeds: readonly Input[] = [COMPACT, STANDARD].map((operations) => [frameOf([DOCUMENT, operations])]);

  mutate(frame: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
    const value = read(frame);
    if (value === undefined || random() < 0.2) return mutateBytes(frame, other, random);
    return frameOf(mutateValue(value, read(other) ?? null, random));
  }

  async run(input: Input): Promise<void> {
    for (const frame of input) {
      const value = read(frame);
      if (!Array.isArray(value)) continue;
      const [document = null, operations] = value;
      if (!Array.isArray(operations)) continue;
      judge(document, () => applyJsonPatch(document, operations as never, { bytesMax: BYTES_MAX }));
      if (!isCompact(operations)) continue;
      judge(document, () => applyPatch(document, operations as never, { bytesMax: BYTES_MAX }));
    }
  }
}

/** The applier of compact operations is promised operations that fit their shape. */
function isCompact(operations: Json): boolean {
  try {
    parseServerMessage(["d", 1, 1, 2, operations]);
    return true;
  } catch {
    return false;
  }
}

function judge(document: Json, apply: () => Json): void {
  const before = JSON.stringify(document);
  let after: Json | undefined;
  try {
    after = apply();
  } catch (error) {
    if (!(error instanceof PatchError)) throw new Violation("the applier threw something else", { cause: error });
  }
  if (JSON.stringify(document) !== before) throw new Violation("the applier wrote to its input");
  const bytes = after === undefined ? 0 : Buffer.byteLength(JSON.stringify(after));
  const bound = Buffer.byteLength(before) + 2 * BYTES_MAX;
  if (bytes > bound) throw new Violation(`${before.length} bytes became ${bytes}`);
}
