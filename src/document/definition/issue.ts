// What a zod issue expected and where, in words that hold nothing of the value that was refused.
import type { $ZodIssue } from "zod/v4/core";

const textMax = 200;

/** What was expected, e.g. `string`, `number >= 1`, `"a" | "b"`; the application's own words for a refinement. */
export function expectation(issue: $ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "nonoptional" ? "a value" : issue.expected;
    case "too_big":
      return `${issue.origin} ${issue.inclusive === false ? "<" : "<="} ${issue.maximum}`;
    case "too_small":
      return `${issue.origin} ${issue.inclusive === false ? ">" : ">="} ${issue.minimum}`;
    case "invalid_format":
      return shorten(issue.pattern ? `${issue.format} ${issue.pattern}` : issue.format);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_value":
      return shorten(
        issue.values.map((value) => (typeof value === "string" ? `"${value}"` : String(value))).join(" | "),
      );
    case "invalid_union":
      return unionExpectation(issue.errors);
    case "invalid_key":
      return "a valid key";
    default:
      return shorten(issue.message);
  }
}

/** The distinct expectations of a union's options for the value itself. */
function unionExpectation(options: readonly (readonly $ZodIssue[])[]): string {
  const own = options.flatMap((issues) => issues.filter((issue) => issue.path.length === 0).map(expectation));
  return own.length === options.length && own.length > 0
    ? shorten([...new Set(own)].join(" | "))
    : "one of the options";
}

/** The RFC 6901 pointer of unescaped tokens, at most 200 characters. */
export function pointer(tokens: readonly string[]): string {
  return shorten(tokens.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
}

function shorten(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax)}…`;
}
