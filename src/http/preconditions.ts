// Positions in HTTP's own words: an ETag is `"epoch.seq.shown"`, where the last part is a hash of what was shown, so that
// two viewers of one position never share one (RFC 9110, sections 8.8.3 and 13).
import { digest16 } from "../runtime/digest.js";
import type { Condition } from "./exchange.js";
import { invalid } from "./parameters.js";

const SEQ = /^"(\d{1,16})"$/;
const POSITION = /^"(\d{1,16})\.(\d{1,16})(?:\.[0-9a-f]{16})?"$/;
const HASH_BYTES = 8;

/** The ETag of a representation. */
export function etagOf([epoch, seq]: readonly [epoch: number, seq: number], shown: string): string {
  return `"${epoch}.${seq}.${Buffer.from(digest16(shown).subarray(0, HASH_BYTES)).toString("hex")}"`;
}

/** Whether `If-None-Match` names it; compared weakly, since intermediaries that compress say so. */
export function namesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
}

/** What `If-Match` asks for: `"seq"`, `"epoch.seq"` or an ETag of ours. Throws TidemarkError `invalid_input`. */
export function conditionOf(header: string | undefined): Condition | undefined {
  if (header === undefined) return undefined;
  const bare = SEQ.exec(header)?.[1];
  const [, epoch, seq = bare] = POSITION.exec(header) ?? [];
  if (seq === undefined) throw invalid("If-Match", 'one of "<seq>", "<epoch>.<seq>", or an ETag of this server');
  return { seq: Number(seq), epoch: epoch === undefined ? undefined : Number(epoch) };
}
