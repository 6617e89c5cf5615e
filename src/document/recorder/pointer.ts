// JSON pointers (RFC 6901) from tokens, written for the recorder's hot path. It never reads a pointer.

/** The pointer of these tokens; "" for none. */
export function pointerOf(tokens: readonly string[]): string {
  let pointer = "";
  for (let index = 0; index < tokens.length; index++) pointer += `/${escaped(tokens[index] ?? "")}`;
  return pointer;
}

function escaped(token: string): string {
  if (!token.includes("~") && !token.includes("/")) return token;
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}
