// The states of one document, serialised once per head and shared by all who are given them.
import type { Document } from "./document.js";
import type { DocumentFigures } from "./document-figures.js";
import type { StoredPosition } from "./document-store.js";
import type { Snapshot } from "./documents.js";
import type { SnapshotSize } from "./opening.js";
import type { Pipeline } from "./pipeline.js";

/** What is loaded of a document. */
export interface LoadedDocument {
  readonly document: Document;
  readonly pipeline: Pipeline;
}

/** Snapshots of the state in memory. */
export class StateSnapshots {
  readonly #figures: DocumentFigures;
  #stored: Snapshot | undefined;
  #shown: Snapshot | undefined;
  /** Where a state was written out last, for the figures. */
  #writtenAt: StoredPosition | undefined;

  constructor(figures: DocumentFigures) {
    this.#figures = figures;
  }

  /** The state in memory is another one. */
  changed(): void {
    this.#stored = undefined;
    this.#shown = undefined;
  }

  /** The whole state: for the store alone. */
  stored({ document, pipeline }: LoadedDocument): Snapshot {
    const { head } = pipeline;
    if (!isAt(this.#stored, head)) {
      this.#stored = { ...head, stateJson: document.stateJson() };
      this.#count(head);
    }
    return this.#stored;
  }

  /** What subscribers may know of it. */
  shown(loaded: LoadedDocument): Snapshot {
    const { document, pipeline } = loaded;
    const { hidden } = document.type;
    if (hidden === undefined) return this.stored(loaded);
    const { head } = pipeline;
    if (!isAt(this.#shown, head)) {
      this.#shown = { ...head, stateJson: document.shownJson(hidden) };
      this.#figures.count("snapshots");
    }
    return this.#shown;
  }

  /** How large that is, without making it if possible. */
  size(loaded: LoadedDocument): SnapshotSize {
    const { document } = loaded;
    const { hidden } = document.type;
    const atMost = hidden === undefined ? document.stateBytesAbout() : document.shownBytesAbout(hidden);
    return { atLeast: atMost / 2, atMost, bytes: () => Buffer.byteLength(this.shown(loaded).stateJson) };
  }

  #count(head: StoredPosition): void {
    this.#figures.count("snapshots");
    if (this.#writtenAt?.seq === head.seq && this.#writtenAt.epoch === head.epoch)
      this.#figures.count("snapshotsAgain");
    this.#writtenAt = head;
  }
}

const isAt = (snapshot: Snapshot | undefined, { seq, epoch }: StoredPosition): snapshot is Snapshot =>
  snapshot !== undefined && snapshot.seq === seq && snapshot.epoch === epoch;
