// Inputs are checked by their schema, and errors say where and what kind, never which value.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import { compileInput, type InputIssue } from "../../../../src/document/definition/compiled-input.js";

function issues(schema: Parameters<typeof compileInput>[0], value: unknown): readonly InputIssue[] {
  const parsed = compileInput(schema).parse(value);
  return parsed.ok ? [] : parsed.issues;
}

describe("CompiledInput", () => {
  it("gives the value as the handler reads it: defaults, transforms and stripping included", () => {
    const schema = z.object({ text: z.string().trim(), n: z.number().default(1) });
    const value = { text: " a ", more: true };
    expect(compileInput(schema).parse(value)).toEqual({ ok: true, value: { text: "a", n: 1 } });
  });

  const cases: readonly [string, Parameters<typeof compileInput>[0], unknown, InputIssue][] = [
    ["wrong kind", z.object({ a: z.string() }), { a: 1 }, { path: "/a", expected: "string", received: "number" }],
    ["absent", z.object({ a: z.string() }), {}, { path: "/a", expected: "string", received: "nothing" }],
    ["null root", z.object({}), null, { path: "", expected: "object", received: "null" }],
    ["array", z.object({}), [], { path: "", expected: "object", received: "array" }],
    ["index", z.array(z.number()), [1, "x"], { path: "/1", expected: "number", received: "string" }],
    [
      "pointer",
      z.object({ "a/b~": z.null() }),
      { "a/b~": 1 },
      { path: "/a~1b~0", expected: "null", received: "number" },
    ],
    ["bound", z.number().max(3), 4, { path: "", expected: "number <= 3", received: "number" }],
    ["exclusive bound", z.number().gt(3), 3, { path: "", expected: "number > 3", received: "number" }],
    ["enum", z.enum(["a", "b"]), "c", { path: "", expected: '"a" | "b"', received: "string" }],
    ["multiple", z.number().multipleOf(5), 4, { path: "", expected: "a multiple of 5", received: "number" }],
    ["strict", z.strictObject({}), { x: [] }, { path: "/x", expected: "no such key", received: "array" }],
    ["union", z.union([z.string(), z.number()]), true, { path: "", expected: "string | number", received: "boolean" }],
    ["refinement", z.string().refine(() => false, "even"), "x", { path: "", expected: "even", received: "string" }],
    ["mini", mini.object({ a: mini.boolean() }), { a: 0 }, { path: "/a", expected: "boolean", received: "number" }],
  ];
  it.each(cases)("%s", (_what, schema, value, issue) => {
    expect(issues(schema, value)).toEqual([issue]);
  });

  it("never tells a value", () => {
    const secret = "hunter2";
    const schemas = [
      z.number(),
      z.enum(["a"]),
      z.email(),
      z.literal("x"),
      z.string().max(3),
      z.union([z.null(), z.int()]),
    ];
    for (const schema of schemas) expect(JSON.stringify(issues(schema, secret))).not.toContain(secret);
  });

  it("bounds what it says", () => {
    expect(issues(z.array(z.string()), Array(100).fill(1))).toHaveLength(20);
    const long = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}${"k".repeat(1_000)}`, 1]));
    const told = issues(z.strictObject({}), long);
    expect(told).toHaveLength(20);
    for (const issue of told) expect(issue.path.length).toBeLessThanOrEqual(201);
  });

  it("lets what a refinement throws pass: it is the application's", () => {
    const broken = z.string().refine(() => {
      throw new RangeError("mine");
    });
    expect(() => compileInput(broken).parse("x")).toThrow(RangeError);
  });
});
