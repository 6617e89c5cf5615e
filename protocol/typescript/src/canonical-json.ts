// The one text of a JSON value, as RFC 8785 has it: what two parties hash to see whether they hold the same. It never
// reads text; that is the codecs' business.
import type { Json } from "./json.js";

/**
 * Canonical JSON text: members sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes
 * them. Equal values have equal texts. The value must be JSON without lone surrogates, as everything is that a codec
 * has decoded (FRAME-7).
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name] ?? null)}`);
  return `{${members.join(",")}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
