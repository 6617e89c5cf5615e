// How documents are named: `type/key`. It knows the form of an id and nothing about which types exist.

const TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const KEY_PATTERN = /^[A-Za-z0-9._~-]{1,128}$/;

/** Whether a text may be a document's key: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, but not `.` or `..`. */
export function isKey(text: string): boolean {
  return KEY_PATTERN.test(text) && text !== "." && text !== "..";
}

/** Whether a text may name a document type: a letter, then at most 63 of `A-Z a-z 0-9 _ -`. */
export function isTypeName(text: string): boolean {
  return TYPE_PATTERN.test(text);
}

/** `type/key`. The parts must be valid. */
export function formatDocumentId(type: string, key: string): string {
  return `${type}/${key}`;
}

/** The parts of `type/key`; undefined when the text is not a document id. */
export function parseDocumentId(text: string): { readonly type: string; readonly key: string } | undefined {
  const slash = text.indexOf("/");
  if (slash === -1) return undefined;
  const type = text.slice(0, slash);
  const key = text.slice(slash + 1);
  return isTypeName(type) && isKey(key) ? { type, key } : undefined;
}
