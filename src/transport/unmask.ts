// What a client's mask does to a payload (RFC 6455, section 5.3), undone.

/**
 * Unmasks `bytes` from `start` to `end` in place; the mask is the four bytes before. True: all of it is ASCII, which
 * costs nothing to know here and spares a walk later.
 */
export function unmask(bytes: Uint8Array, start: number, end: number): boolean {
  const a = bytes[start - 4] ?? 0;
  const b = bytes[start - 3] ?? 0;
  const c = bytes[start - 2] ?? 0;
  const d = bytes[start - 1] ?? 0;
  let seen = 0;
  let at = start;
  for (; at + 3 < end; at += 4) {
    seen |=
      unmaskAt(bytes, at, a) | unmaskAt(bytes, at + 1, b) | unmaskAt(bytes, at + 2, c) | unmaskAt(bytes, at + 3, d);
  }
  if (at < end) seen |= unmaskAt(bytes, at, a);
  if (at + 1 < end) seen |= unmaskAt(bytes, at + 1, b);
  if (at + 2 < end) seen |= unmaskAt(bytes, at + 2, c);
  return seen < 0x80;
}

function unmaskAt(bytes: Uint8Array, at: number, mask: number): number {
  const byte = (bytes[at] ?? 0) ^ mask;
  bytes[at] = byte;
  return byte;
}
