// Reads JSON text once, before the parser sees it: counts depth, knowing strings, and notes what the parser would let
// through. It does not validate: text that is not JSON is the parser's to refuse.
import { tooDeep } from "./frame-error.js";

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const BACKSLASH = 0x5c;
/** Any longer run of digits may overflow a double. */
const DIGITS_MAX = 300;

/**
 * Throws FrameError when arrays and objects nest deeper than `depthMax`. True: the text may hold a `-0`, a number that
 * overflows, an escape that hides something, or the key `__proto__`, so the parsed value must be normalised.
 */
export function scanJson(text: string, depthMax: number): boolean {
  let suspicious = text.includes("__proto__");
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      for (at++; at < text.length; at++) {
        const inner = text.charCodeAt(at);
        if (inner === QUOTE) break;
        if (inner === BACKSLASH && text.charCodeAt(++at) === 0x75) suspicious = true;
      }
    } else if (char >= ZERO && char <= NINE) {
      const end = endOfDigits(text, at);
      suspicious ||= end - at > DIGITS_MAX || (text.charCodeAt(end) | 0x20) === 0x65;
      at = end - 1;
    } else if (char === 0x5b || char === 0x7b) {
      if (++depth > depthMax) throw tooDeep(depthMax);
    } else if (char === 0x5d || char === 0x7d) {
      depth--;
    } else if (char === MINUS && text.charCodeAt(at + 1) === ZERO) {
      suspicious = true;
    }
  }
  return suspicious;
}

function endOfDigits(text: string, from: number): number {
  let at = from + 1;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}
