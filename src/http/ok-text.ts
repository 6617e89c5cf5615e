// What a request reads of a call that succeeded: its result, and where it was applied. One form for all routes.
import type { Answer } from "../document/documents.js";

/** As JSON text; a query has no position. */
export function okText({ at, resultJson = "null" }: Extract<Answer, { kind: "ok" }>): string {
  return at === null ? `{"result":${resultJson}}` : `{"result":${resultJson},"epoch":${at.epoch},"seq":${at.seq}}`;
}
