import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DefinitionError } from "../../../../src/document/definition/definition-error.js";
import { refuseSlowPatterns } from "../../../../src/document/definition/refuse-slow-patterns.js";

const refusal = (schema: unknown): unknown => {
  try {
    refuseSlowPatterns("messages.add (input)", schema);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("a pattern", () => {
  it.each([
    /^(a+)+$/,
    /^(a+)+$/iu,
    /^(a|a)*$/,
    /^(ab|ab)*$/,
    /^(\w+\s?)*$/,
    /^([a-zA-Z]+ ?)+$/,
    /^(([a-z])+.)+[A-Z]([a-z])+$/,
    /^(?=b|a)(a+)+$/,
    /(x+x+)+y/,
    /^([^\x20]+,?)+$/,
    /^(([0-9a-z]+-)*)*$/,
    /(.*?,){11}P/,
    /^\S+@\S+\.\S+$/,
    /\s+$/,
    /^(.*)-(.*)$/,
  ])("[S22] [R19] that takes too long is refused when the type is defined: %s", (pattern) => {
    const error = refusal(z.object({ name: z.string().regex(pattern).optional() }));
    expect(error).toBeInstanceOf(DefinitionError);
    expect(String(error)).toContain(String(pattern));
  });

  it.each([
    /^[a-z]+$/,
    /^#[0-9a-f]{6}$/i,
    /^[a-z0-9]+(?:-[a-z0-9]+)*$/,
    /^\d{4}-\d{2}-\d{2}$/,
    /^[\w.+-]+@[\w-]+\.[\w.-]+$/,
    /^https?:\/\/\S+$/,
    /foo/g,
    /^\s*\S+\s*$/,
    /^(?=.*\d)(?=.*[a-z]).{8,}$/,
    /^.{1,100}$/s,
    /^(?:[a-z]+\.)*[a-z]+$/,
    /^\p{L}[\p{L}\p{N} '-]*$/u,
    /^(\d+\.)?(\d+\.)?(\*|\d+)$/,
    /^(?:\d{1,3}\.){3}\d{1,3}$/,
  ])("that does not is taken: %s", (pattern) => expect(refusal(z.string().regex(pattern))).toBeUndefined());

  it("[S22] may be slow on long texts where it never sees one", () => {
    const pattern = /^\S+@\S+\.\S+$/;
    expect(refusal(z.string().max(100, { abort: true }).regex(pattern))).toBeUndefined();
    expect(refusal(z.string().max(100).regex(pattern))).toBeInstanceOf(DefinitionError);
    expect(refusal(z.string().regex(pattern).max(100, { abort: true }))).toBeInstanceOf(DefinitionError);
    expect(
      refusal(
        z
          .string()
          .max(100, { abort: true })
          .regex(/^(a+)+$/),
      ),
    ).toBeInstanceOf(DefinitionError);
  });

  it.each([
    ["a key", z.record(z.string().regex(/^(a+)+$/), z.number())],
    ["one of several", z.union([z.number(), z.array(z.string().regex(/^(a+)+$/))])],
    [
      "a lazy part",
      z.object({
        get self() {
          return z.string().regex(/^(a+)+$/);
        },
      }),
    ],
    ["text made of parts", z.templateLiteral([z.string(), "-", z.string(), "!"])],
    ["a format of one's own", z.stringFormat("nested", /^(a+)+$/)],
    [
      "a transform",
      z
        .string()
        .regex(/^(a+)+$/)
        .transform((text) => text.length),
    ],
  ])("[S22] is found in %s", (_where, schema) => expect(refusal(schema)).toBeInstanceOf(DefinitionError));

  it("is taken where zod made it", () => {
    for (const schema of [z.email(), z.url(), z.uuid(), z.iso.datetime(), z.ipv6(), z.base64(), z.e164(), z.json()])
      expect(refusal(schema)).toBeUndefined();
  });
});
