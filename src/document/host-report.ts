// What operators should hear of a document: outcomes and causes, never content.
import type { DocumentName, StoreError } from "./document-store.js";

/** Where hosts report what no client is told in full. */
export interface HostReport {
  /** An application's code threw, wrote off its schema or returned a promise. */
  handlerFailed(document: DocumentName, call: string, error: unknown): void;
  /** Stored data is damaged or of a newer version; the document does not serve. */
  documentUnreadable(document: DocumentName, reason: string): void;
  /** A commit failed or is in doubt; the document is being loaded again. */
  commitLost(document: DocumentName, error: StoreError | "fenced"): void;
  /** A load failed, or reading for an answer, or writing a snapshot; it is tried again. */
  loadFailed(document: DocumentName, error: unknown): void;
}
