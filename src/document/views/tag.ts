// The tag of a position: what must be equal for a state to be gone on from. It names everything that decides what a
// layer shows but the document itself, in a short hash, so that clients learn nothing of it.
import { digest16 } from "../../runtime/digest.js";
import type { HiddenParts } from "./hidden.js";

/** What a layer is a function of, besides the state. */
export interface TagParts {
  /** Of the document type. */
  readonly version: number;
  readonly hidden: HiddenParts | undefined;
  /** Source text of the view functions. */
  readonly sources?: readonly string[];
  /** Absent: the log itself. */
  readonly layer?: "shared" | "mine";
  /** The view key of a `mine` layer. */
  readonly group?: string;
  /** As canonical text. */
  readonly params?: string;
}

/** The tag: 16 characters of base64url. */
export function viewTag({ version, hidden, sources = [], layer, group = "", params = "" }: TagParts): string {
  const text = JSON.stringify([layer ?? "log", group, params, version, hidden?.names ?? [], sources]);
  return Buffer.from(digest16(text).subarray(0, 12)).toString("base64url");
}
