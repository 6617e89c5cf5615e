// The checksum each row carries: CRC-32 over an unambiguous text of its fields (lengths before contents).
import { crc32 } from "node:zlib";

type Field = string | number | Uint8Array | null;

/** CRC-32 of fields in order; a field cannot pass for its neighbour. */
export function checksum(...fields: readonly Field[]): number {
  let heads = "";
  let bodies = "";
  let blobs = 0;
  for (const field of fields) {
    if (field === null) heads += "_,";
    else if (typeof field === "number") heads += `${field},`;
    else {
      heads += `#${field.length},`;
      if (typeof field === "string") bodies += field;
      else blobs = crc32(field, blobs);
    }
  }
  return crc32(`${heads}${bodies}`, blobs);
}
