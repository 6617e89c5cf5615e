// When a document's full state is written beside its log, and how much of the log goes afterwards. A snapshot is due
// when the log since the last one is longer than both 500 rows and twice the snapshot's bytes.
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { DocumentRef, DocumentStore, StoredSnapshot } from "./document-store.js";
import type { Committed } from "./documents.js";

const ROWS_MIN = 500;
const DAY_MS = 86_400_000;

/** What a keeper starts from. */
export interface SnapshotKeeperParts {
  readonly ref: DocumentRef;
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly type: ResolvedType;
  /** The newest one the store has. */
  readonly stored: StoredSnapshot | undefined;
  /** The log since then. */
  readonly tail: readonly Committed[];
}

/** Keeps one document's snapshot young. */
export class SnapshotKeeper {
  readonly #parts: SnapshotKeeperParts;
  #stored: StoredSnapshot | undefined;
  #rows: number;
  #bytes = 0;
  #saving = false;
  #dirty: boolean;

  constructor(parts: SnapshotKeeperParts) {
    this.#parts = parts;
    this.#stored = parts.stored;
    this.#rows = parts.tail.length;
    this.#dirty = parts.tail.length > 0;
    for (const row of parts.tail) this.#bytes += row.operations.length;
  }

  /** The newest durable snapshot. */
  get stored(): StoredSnapshot | undefined {
    return this.#stored;
  }

  /** True while one is being written. */
  get saving(): boolean {
    return this.#saving;
  }

  /** A transaction was executed. */
  wrote(operationsBytes: number): void {
    this.#rows += 1;
    this.#bytes += operationsBytes;
    this.#dirty = true;
  }

  /** Is it time? */
  get isDue(): boolean {
    if (this.#saving || this.#rows < ROWS_MIN) return false;
    return this.#bytes >= 2 * (this.#stored?.body.length ?? 0);
  }

  /** Has anything been written since the last one? */
  get isDirty(): boolean {
    return !this.#saving && this.#dirty;
  }

  /** One is about to be saved, as soon as the disk has reached its seq. */
  begin(): void {
    this.#saving = true;
    this.#dirty = false;
    this.#rows = 0;
    this.#bytes = 0;
  }

  /** Writes a durable state and trims the log to what the type keeps. Failing to is no loss: the log has it all. */
  async save({ epoch, seq, body }: Omit<StoredSnapshot, "typeVersion">): Promise<void> {
    const { ref, store, runtime, type } = this.#parts;
    const stored = { epoch, seq, typeVersion: type.version, body };
    if (!this.#saving) this.begin();
    try {
      await this.#write(stored);
      const { history } = type;
      if (history !== "forever")
        await store.trim(ref, { deltas: history.deltas, since: runtime.now() - history.days * DAY_MS });
    } finally {
      this.#saving = false;
    }
  }

  async #write(stored: StoredSnapshot): Promise<void> {
    try {
      await this.#parts.store.saveSnapshot(this.#parts.ref, stored);
      this.#stored = stored;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }
}
