// Changes bytes without knowing what they mean. It never returns what it was given.

const INTERESTING = [
  0x00, 0x01, 0x20, 0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0x90, 0xc1, 0xc7, 0xd4, 0xdf, 0xff,
];
const CHANGES_MAX = 4;
const PIECE_MAX = 64;

/** Uniform in [0, 1). */
export type Random = () => number;

/** A whole number in [0, below). */
export const below = (random: Random, bound: number): number => Math.floor(random() * bound);

/** One of a list that is not empty. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  const chosen = list[below(random, list.length)];
  if (chosen === undefined) throw new RangeError("nothing to choose from");
  return chosen;
}

/** A copy with one to four changes; pieces may come from `other`. */
export function mutateBytes(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes;
  for (let left = 1 + below(random, CHANGES_MAX); left > 0; left--) mutated = changed(mutated, other, random);
  return mutated;
}

function changed(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = below(random, bytes.length + 1);
  const count = 1 + below(random, PIECE_MAX);
  switch (below(random, 6)) {
    case 0:
      return spliced(bytes, at, { remove: 1, insert: Uint8Array.of(below(random, 256)) });
    case 1:
      return spliced(bytes, at, { remove: below(random, 2), insert: Uint8Array.of(oneOf(random, INTERESTING)) });
    case 2:
      return spliced(bytes, at, { remove: count, insert: new Uint8Array(0) });
    case 3:
      return spliced(bytes, at, { remove: 0, insert: bytes.subarray(at, at + count) });
    case 4: {
      const from = below(random, other.length + 1);
      return spliced(bytes, at, { remove: below(random, count), insert: other.subarray(from, from + count) });
    }
    default:
      return bytes.slice(0, at);
  }
}

function spliced(
  bytes: Uint8Array,
  at: number,
  { remove, insert }: { remove: number; insert: Uint8Array },
): Uint8Array {
  const rest = bytes.subarray(Math.min(at + remove, bytes.length));
  const result = new Uint8Array(at + insert.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(rest, at + insert.length);
  return result;
}
