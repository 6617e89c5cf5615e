import { applyPatch, escapeToken, type Json, type JsonObject, type PatchOperation } from "@tidemark/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detach } from "../../../../src/document/recorder/detach.js";
import { record } from "../../../../src/document/recorder/recorder.js";
import { HiddenParts } from "../../../../src/document/views/hidden.js";
import { ShownRows } from "../../../../src/document/views/shown-rows.js";

const PARTS = ["a", "b", "b/c", "~b", 'q"', "ö", "constructor"];
const LIMITS = { depthMax: 64, bytesMax: 1_000_000 };

const without = (state: Json, names: readonly string[]): Json =>
  Object.fromEntries(Object.entries(state as JsonObject).filter(([part]) => !names.includes(part)));

const committed = (operations: readonly PatchOperation[]) => ({
  epoch: 1,
  previousEpoch: 1,
  seq: 2,
  at: 0,
  operations: JSON.stringify(operations),
  events: undefined,
  by: undefined,
});

const shown = (hidden: HiddenParts, row: ReturnType<typeof committed>): string =>
  new ShownRows(hidden, new Map()).committed(row).operations;

/** One write of a handler, by chance. */
const write = fc.record({
  kind: fc.constantFrom("set", "deep", "delete", "push", "append", "move", "within"),
  part: fc.constantFrom(...PARTS),
  other: fc.constantFrom(...PARTS),
  key: fc.constantFrom("x", "y"),
  value: fc.integer(),
});

type State = Record<string, Record<string, unknown> | undefined>;

function apply(
  state: State,
  { kind, part, other, key, value }: typeof write extends fc.Arbitrary<infer W> ? W : never,
): void {
  state[part] ??= {};
  const at = state[part];
  if (kind === "set") state[part] = { [key]: value };
  else if (kind === "deep") at[key] = { deep: value };
  else if (kind === "delete") delete state[part];
  else if (kind === "push") at["list"] = [...((at["list"] as number[] | undefined) ?? []), value];
  else if (kind === "append") at["text"] = `${typeof at["text"] === "string" ? at["text"] : ""}${value}`;
  else if (kind === "move") {
    const moved = at;
    delete state[part];
    state[other] = moved;
  } else {
    const moved = at[key];
    if (moved === undefined) return;
    delete at[key];
    at[`${key}2`] = moved;
  }
}

describe("hidden parts", () => {
  it("[VIEW-1] operations filtered by path do to what is shown what all of them do to the whole", () => {
    fc.assert(
      fc.property(
        fc.subarray(PARTS, { minLength: 1 }),
        fc.array(fc.array(write, { maxLength: 6 }), { maxLength: 12 }),
        (names, transactions) => {
          const hidden = new HiddenParts(names);
          const root = detach({ a: {} }, { path: "", ...LIMITS }) as JsonObject;
          let view = hidden.stateOf(JSON.parse(JSON.stringify(root))) as Json;
          for (const writes of transactions) {
            const recording = record<State>(root, LIMITS);
            for (const one of writes) apply(recording.draft, one);
            const { json } = recording.finish();
            const row = { ...committed([]), operations: json };
            const operations: readonly PatchOperation[] = JSON.parse(shown(hidden, row));
            if (operations.length > 0) view = applyPatch(view, operations);
            expect(view).toEqual(without(JSON.parse(JSON.stringify(root)), names));
          }
        },
      ),
    );
  });

  it("[VIEW-1] a transaction that touches hidden parts only is empty", () => {
    for (const name of PARTS) {
      const hidden = new HiddenParts([name]);
      const row = committed([
        ["+", `/${escapeToken(name)}`, { x: 1 }],
        ["=", `/${escapeToken(name)}/x`, 2],
        [">", `/${escapeToken(name)}/x`, `/${escapeToken(name)}/y`],
      ]);
      expect(shown(hidden, row)).toBe("[]");
    }
  });

  it("[VIEW-1] replacing the whole state shows none of the hidden part", () => {
    const hidden = new HiddenParts(["b"]);
    expect(shown(hidden, committed([["=", "", { a: 1, b: 2 }]]))).toBe('[["=","",{"a":1}]]');
  });

  it("leaves a row alone that touches no hidden part, whatever its values say", () => {
    const hidden = new HiddenParts(["b"]);
    const rows = [committed([["=", "/a", "x"]]), committed([]), committed([["+", "/bb", 1]])];
    for (const row of rows) expect(shown(hidden, row)).toBe(row.operations);
    expect(shown(hidden, committed([["=", "/a", '"/b"']]))).toContain("/b");
  });
});
