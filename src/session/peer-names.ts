// What followers of a document know each other by where the type does not reveal who they are: a name per person and
// document that says nothing, and cannot be found by trying ids (R18).
import type { DocumentName } from "../document/document-store.js";
import { digest16 } from "../runtime/digest.js";

/** 72 bits: no two people of a document meet. */
const NAME_BYTES = 9;

/** The names of one document under a secret key: for one id always the same. */
export function peerNames(key: string, { space, type, key: documentKey }: DocumentName): (id: string) => string {
  const of = [key, space, type, documentKey];
  return (id) => Buffer.from(digest16(JSON.stringify([...of, id])).subarray(0, NAME_BYTES)).toString("base64url");
}
