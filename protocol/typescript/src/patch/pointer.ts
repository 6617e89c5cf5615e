// JSON Pointers (RFC 6901): text to tokens and back. It knows nothing of documents.

/** A pointer that is neither empty nor starts with "/", or holds a `~` that is neither `~0` nor `~1`. */
export class PointerError extends Error {
  override readonly name = "PointerError";
}

const BAD_ESCAPE = /~(?![01])/;

/** The tokens of a pointer, unescaped: `"/a~1b/0"` is `["a/b", "0"]`, `""` is `[]`. Throws PointerError. */
export function parsePointer(text: string): string[] {
  if (text === "") return [];
  if (!text.startsWith("/")) throw new PointerError(`"${text}" is not a JSON Pointer: it must start with "/"`);
  const tokens = text.slice(1).split("/");
  if (!text.includes("~")) return tokens;
  if (BAD_ESCAPE.test(text)) throw new PointerError(`"${text}" is not a JSON Pointer: "~" must be "~0" or "~1"`);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The pointer of tokens. */
export function formatPointer(tokens: readonly string[]): string {
  let text = "";
  for (const token of tokens) text += `/${escapeToken(token)}`;
  return text;
}

/** A token as it stands in a pointer: `~` is `~0`, `/` is `~1`. */
export function escapeToken(token: string): string {
  if (!token.includes("~") && !token.includes("/")) return token;
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}
