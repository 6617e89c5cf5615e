// Reads JSON that somebody typed, and shows where it stops being JSON: the shell has often eaten the quotes.
import { UsageError } from "./exit.js";

type Expected = "value" | "value or ]" | "name" | "name or }" | "colon" | "comma or }" | "comma or ]" | "end";

const WORDS: { readonly [E in Expected]: string } = {
  value: "a value",
  "value or ]": 'a value or "]"',
  name: "a name in double quotes",
  "name or }": 'a name in double quotes or "}"',
  colon: '":"',
  "comma or }": '"," or "}"',
  "comma or ]": '"," or "]"',
  end: "nothing more",
};

const BLANK = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
const EXCERPT_CHARACTERS = 60;
const HINT = `Put JSON in single quotes, so that the shell leaves the double ones alone: '{"text":"buy milk"}'`;

/** The value of a JSON text. `what` names the argument. Throws UsageError that shows the place. */
export function parseJsonArgument(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { at, expected } = findFault(text);
    const from = Math.max(0, at - EXCERPT_CHARACTERS / 2);
    const excerpt = text.slice(from, from + EXCERPT_CHARACTERS).replaceAll(/\p{Cc}/gu, " ");
    const place = `  ${excerpt}\n  ${" ".repeat(at - from)}^`;
    throw new UsageError(
      `${what} is not JSON: at character ${at + 1} there should be ${WORDS[expected]}\n${place}`,
      HINT,
    );
  }
}

/** One token that fits: its length, and what may follow it. */
interface Step {
  readonly length: number;
  readonly next: Expected | "after value";
  readonly opens?: "{" | "[";
  readonly closes?: true;
}

/** The first place that cannot be part of a JSON text, and what would be right there. */
function findFault(text: string): { readonly at: number; readonly expected: Expected } {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  let at = 0;
  for (;;) {
    at += lengthAt(BLANK, text, at);
    const step = stepAt(text, at, expected);
    if (step === undefined) return { at, expected };
    at += step.length;
    if (step.opens !== undefined) open.push(step.opens);
    if (step.closes === true) open.pop();
    expected = step.next === "after value" ? afterValue(open.at(-1)) : step.next;
  }
}

function stepAt(text: string, at: number, expected: Expected): Step | undefined {
  const symbol = text[at];
  switch (expected) {
    case "value":
      return valueAt(text, at);
    case "value or ]":
      return symbol === "]" ? CLOSING : valueAt(text, at);
    case "name":
      return nameAt(text, at);
    case "name or }":
      return symbol === "}" ? CLOSING : nameAt(text, at);
    case "colon":
      return symbol === ":" ? { length: 1, next: "value" } : undefined;
    case "comma or }":
      return symbol === "}" ? CLOSING : commaAt(symbol, "name");
    case "comma or ]":
      return symbol === "]" ? CLOSING : commaAt(symbol, "value");
    case "end":
      return undefined;
  }
}

const CLOSING: Step = { length: 1, next: "after value", closes: true };

function valueAt(text: string, at: number): Step | undefined {
  if (text[at] === "{") return { length: 1, next: "name or }", opens: "{" };
  if (text[at] === "[") return { length: 1, next: "value or ]", opens: "[" };
  const length = lengthAt(STRING, text, at) || lengthAt(SCALAR, text, at);
  return length > 0 ? { length, next: "after value" } : undefined;
}

function nameAt(text: string, at: number): Step | undefined {
  const length = lengthAt(STRING, text, at);
  return length > 0 ? { length, next: "colon" } : undefined;
}

const commaAt = (symbol: string | undefined, next: Expected): Step | undefined =>
  symbol === "," ? { length: 1, next } : undefined;

function afterValue(inside: "{" | "[" | undefined): Expected {
  if (inside === undefined) return "end";
  return inside === "{" ? "comma or }" : "comma or ]";
}

function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
