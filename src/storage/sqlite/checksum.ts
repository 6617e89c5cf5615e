// The checksum each row carries: CRC-32 over its numbers and lengths as little-endian doubles, then its bytes, then its
// texts. Lengths come first, so that a field cannot pass for its neighbour.
import { crc32 } from "node:zlib";

type Field = string | number | Uint8Array | null;

const FIELDS_MAX = 24;
const heads = new Float64Array(FIELDS_MAX);
const views = Array.from({ length: FIELDS_MAX + 1 }, (_, count) => new Uint8Array(heads.buffer, 0, count * 8));

/** CRC-32 of at most 24 fields in order; null differs from every number and every length. */
export function checksum(...fields: readonly Field[]): number {
  let texts = "";
  let blob: Uint8Array | undefined;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] ?? null;
    if (typeof field === "number") heads[index] = field;
    else if (field === null) heads[index] = Number.NaN;
    else {
      heads[index] = field.length;
      if (typeof field === "string") texts += field;
      else blob = field;
    }
  }
  const head = crc32(views[fields.length] ?? heads);
  return crc32(texts, blob === undefined ? head : crc32(blob, head));
}
