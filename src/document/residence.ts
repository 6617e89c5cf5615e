// Everything that exists only while a document is loaded, in one place, so that losing it is one assignment.
import type { Document } from "./document.js";
import type { DocumentRef } from "./document-store.js";
import type { Pipeline } from "./pipeline.js";
import type { SnapshotKeeper } from "./snapshot-keeper.js";

/** What a loaded document is. Only `live` has a state. */
export type Content =
  | { readonly status: "absent" | "deleted" | "quarantined" | "type_ahead" }
  | { readonly status: "live"; readonly document: Document };

/** A loaded document. */
export interface Residence {
  readonly ref: DocumentRef;
  readonly pipeline: Pipeline;
  readonly snapshots: SnapshotKeeper;
  content: Content;
}
