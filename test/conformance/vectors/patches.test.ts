// Patch and pointer vectors.
import {
  applyJsonPatch,
  applyPatch,
  formatPointer,
  type Json,
  type JsonPatchOperation,
  PatchError,
  type PatchOperation,
  PointerError,
  parsePointer,
  toJsonPatch,
} from "@tidemark/protocol";
import { describe, expect, test } from "vitest";
import { vectors } from "./vectors.js";

interface PatchCase {
  readonly name: string;
  readonly rule: string;
  readonly document: Json;
  readonly patch?: readonly PatchOperation[];
  readonly standard?: readonly JsonPatchOperation[];
  readonly bytesMax?: number;
  readonly expected?: Json;
  readonly error?: string;
  readonly index?: number;
}

interface PointerCase {
  readonly pointer: string;
  readonly tokens?: string[];
}

const cases = vectors<PatchCase>("patches");

function check(given: PatchCase, apply: () => Json): void {
  const before = structuredClone(given.document);
  if (given.error === undefined) {
    expect(apply()).toEqual(given.expected);
  } else {
    expect(apply).toThrow(PatchError);
    expect(apply).toThrow(expect.objectContaining({ code: given.error, index: given.index }));
  }
  expect(given.document).toStrictEqual(before);
}

describe("compact operations", () => {
  test.each(cases.filter(({ patch }) => patch !== undefined))("[$rule] $name", (given) => {
    const options = given.bytesMax === undefined ? {} : { bytesMax: given.bytesMax };
    check(given, () => applyPatch(given.document, given.patch ?? [], options));
  });
});

describe("RFC 6902", () => {
  test.each(cases.filter(({ standard }) => standard !== undefined))("[$rule] $name", (given) => {
    check(given, () => applyJsonPatch(given.document, given.standard ?? []));
  });
});

describe("compact operations as RFC 6902", () => {
  const both = cases.filter(({ patch, standard }) => patch !== undefined && standard !== undefined);
  test.each(both)("[PATCH-1] $name", ({ document, patch, standard }) => {
    expect(toJsonPatch(document, patch ?? [])).toStrictEqual(standard);
  });
});

test.each(vectors<PointerCase & { name?: string }>("pointers"))("[PATCH-2] pointer $pointer", ({ pointer, tokens }) => {
  if (tokens === undefined) {
    expect(() => parsePointer(pointer)).toThrow(PointerError);
  } else {
    expect(parsePointer(pointer)).toStrictEqual(tokens);
    expect(formatPointer(tokens)).toBe(pointer);
  }
});
