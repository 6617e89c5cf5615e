// The top-level parts of a state: what hidden lists, access rules and views are told apart by.

/** The name of the top-level part that a JSON pointer below the root leads to. */
export function topPartOf(pointer: string): string {
  const end = pointer.indexOf("/", 1);
  return unescapeToken(end === -1 ? pointer.slice(1) : pointer.slice(1, end));
}

/** The pointer of the top-level part that a JSON pointer leads into; the root's leads to the root. */
export function topPointerOf(pointer: string): string {
  const end = pointer.indexOf("/", 1);
  return end === -1 ? pointer : pointer.slice(0, end);
}

/** A token of a JSON pointer as the key it stands for. */
export const unescapeToken = (token: string): string =>
  token.includes("~") ? token.replaceAll("~1", "/").replaceAll("~0", "~") : token;
