// Finds regular expressions in a schema that whoever sends an input can make run for seconds, at start-up: while one runs,
// nobody else is served (R19). It tries them, with a deadline, on texts that make such patterns explode; what it lets pass is
// not proved to be fast.
import { Script } from "node:vm";
import { LIMITS } from "@tidemark/protocol";
import type { $ZodTypes } from "zod/v4/core";
import { DefinitionError } from "./definition-error.js";
import { isSchema } from "./schema.js";
import { schemaParts } from "./schema-parts.js";

/** A good pattern is done with all of its texts in a few ms, one that backtracks in seconds or never. */
const DEADLINE_MS = 250;
/** Long enough for what grows with the square, and for what grows with each character. */
const LONG = 32_768;
const SHORT = 64;
/** What most patterns are about, and what most do not take at the end. */
const COMMON = [..."a0 -._@/,:A"];
const BEHIND = ["\u0000", "\n!", " "];
const CHARACTERS_MAX = 40;

const TRY = new Script("for (const text of texts) for (const end of ends) pattern.test(text + end);");

/** Throws `DefinitionError` for a pattern of the schema that takes too long. */
export function refuseSlowPatterns(property: string, schema: unknown): void {
  for (const part of schemaParts(property, schema)) {
    if (!isSchema(part)) continue;
    for (const { pattern, lengthMax } of patternsOf(part)) {
      if (isFast(pattern, lengthMax)) continue;
      const advice = "let no two parts of it take the same text, or put `.max(n, { abort: true })` before it";
      throw new DefinitionError(
        property,
        `has a pattern that an input can make run for seconds, ${pattern}: ${advice}.`,
      );
    }
  }
}

/** A pattern, and how long the text is that it sees at most. */
interface Tried {
  readonly pattern: RegExp;
  readonly lengthMax: number;
}

/** Those that the author wrote; zod's own formats are taken for good. */
function patternsOf(schema: $ZodTypes): readonly Tried[] {
  const { def } = schema._zod;
  const found: Tried[] = [];
  let lengthMax: number = LIMITS.inputBytesMax;
  if (def.type === "template_literal") note(schema._zod, "pattern");
  else if (isOwnPattern(def)) note(def, "pattern");
  for (const { _zod: check } of def.checks ?? []) {
    // Without `abort` the checks behind it are asked all the same.
    if (isBound(check.def)) lengthMax = Math.min(lengthMax, check.def.maximum);
    else if (isOwnPattern(check.def)) note(check.def, "pattern");
  }
  return found;

  function note(holder: object, name: string): void {
    const pattern: unknown = Reflect.get(holder, name);
    if (pattern instanceof RegExp) found.push({ pattern, lengthMax });
  }
}

/** Of `regex()`, or of a format that was made with one. */
const isOwnPattern = (def: object): boolean => "format" in def && (def.format === "regex" || "fn" in def);

const isBound = (def: object): def is { readonly maximum: number } =>
  "maximum" in def &&
  typeof def.maximum === "number" &&
  "check" in def &&
  def.check === "max_length" &&
  "abort" in def &&
  def.abort === true;

function isFast(given: RegExp, lengthMax: number): boolean {
  const pattern = new RegExp(given.source, given.flags.replaceAll(/[gy]/g, ""));
  try {
    TRY.runInNewContext(
      { pattern, texts: textsFor(pattern.source, lengthMax), ends: BEHIND },
      { timeout: DEADLINE_MS },
    );
    return true;
  } catch {
    return false;
  }
}

/** What the pattern speaks of, over and over. */
function textsFor(source: string, lengthMax: number): readonly string[] {
  const printable = [...source].filter((character) => character > " " && character <= "~");
  const characters = [...new Set([...COMMON, ...printable])].slice(0, CHARACTERS_MAX);
  const words = source.match(/[A-Za-z0-9]{2,8}/g) ?? [];
  const pairs = characters.flatMap((first) => characters.map((second) => first + second));
  const short = [...characters, ...words, ...pairs].map((text) => repeated(text, Math.min(SHORT, lengthMax)));
  const long = [...characters, ...words].map((text) => repeated(text, Math.min(LONG, lengthMax)));
  return [...short, ...long];
}

const repeated = (text: string, length: number): string =>
  text.repeat(Math.ceil(length / text.length)).slice(0, length);
