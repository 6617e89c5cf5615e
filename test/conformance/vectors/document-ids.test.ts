// Vectors of document ids.
import { formatDocumentId, isKey, isTypeName, parseDocumentId } from "@tidemark/protocol";
import { expect, test } from "vitest";
import { vectors } from "./vectors.js";

interface IdCase {
  readonly name?: string;
  readonly id: string;
  readonly type?: string;
  readonly key?: string;
}

test.each(vectors<IdCase>("document-ids"))("[ID-1] $id", ({ id, type, key }) => {
  if (type === undefined || key === undefined) {
    expect(parseDocumentId(id)).toBeUndefined();
  } else {
    expect(parseDocumentId(id)).toStrictEqual({ type, key });
    expect([isTypeName(type), isKey(key), formatDocumentId(type, key)]).toStrictEqual([true, true, id]);
  }
});
