// The DocumentStore of one SQLite file. It owns refs and their fencing on the main thread; rows, files and durability
// are the writer thread's.
import { LIMITS, OperatorError } from "@tidemark/protocol";
import type { CredentialStore, Credentials, Revocation } from "../../auth/credential-store.js";
import type {
  Append,
  AppendOutcome,
  ClientReceipts,
  DocumentName,
  DocumentRef,
  DocumentStore,
  KeyPage,
  Loaded,
  LogRow,
  StoredSnapshot,
  TrimBounds,
} from "../../document/document-store.js";
import { StoreError } from "../../document/document-store.js";
import { invariant } from "../../runtime/invariant.js";
import type { Runtime } from "../../runtime/runtime.js";
import { OwnedRefs } from "../owned-refs.js";
import type { OpenSettings } from "./open-engine.js";
import { type PackEntry, packAppend } from "./pack-append.js";
import type { AppendAnswer, StoreFacts } from "./writer-calls.js";
import { type StoreEvent, WriterClient } from "./writer-client.js";
import { startWriter, type WriterLink } from "./writer-link.js";

/** How to open a store. */
export interface SqliteStoreOptions {
  /** Path of the database; created when it does not exist. `<file>.lock` appears beside it. */
  readonly file: string;
  readonly runtime: Runtime;
  /** Rows after which a journal is folded; 65,536. */
  readonly foldRows?: number;
  /** Bytes after which a journal is folded, about; 16 MiB. */
  readonly foldBytes?: number;
  /** Writes are refused while the disk has less room; 16 MiB. */
  readonly freeBytesMin?: number;
  readonly onEvent?: (event: StoreEvent) => void;
}

/** A DocumentStore, the keys and revocations beside it, and what only a file has. */
export interface SqliteStore extends DocumentStore, CredentialStore {
  /** Resolves if the disk fails for good or the writer dies: `storage_failed`. Stop the process then (R10). */
  readonly failed: Promise<OperatorError>;
  /** How the store is doing. Rejects with StoreError. */
  facts(): Promise<StoreFacts>;
}

const MIB = 1_024 * 1_024;
/** Receipts outlive the horizon, so that at its edge a call is answered either way and never applied again (R6). */
const RECEIPT_KEEP_MS = LIMITS.requestHorizonMs + 86_400_000;

/** How a writer is started; a worker thread unless told otherwise. */
export type StartWriter = (settings: OpenSettings) => Promise<WriterLink>;

/**
 * Opens a store. Rejects with OperatorError: `not_a_database`, `newer_format`, `database_damaged`, `database_locked`,
 * `storage_failed`, each naming the file and what to do.
 */
export async function openSqliteStore(
  options: SqliteStoreOptions,
  start: StartWriter = startWriter,
): Promise<SqliteStore> {
  const { file, runtime } = options;
  const settings: OpenSettings = {
    file,
    now: runtime.now(),
    random: runtime.random(),
    foldRows: options.foldRows ?? 65_536,
    foldBytes: options.foldBytes ?? 16 * MIB,
    receiptKeepMs: RECEIPT_KEEP_MS,
    freeBytesMin: options.freeBytesMin ?? 16 * MIB,
  };
  try {
    return new FileStore(options, await start(settings));
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const hint = "Check that the installation is complete: better-sqlite3 needs its compiled part.";
    throw new OperatorError("storage_failed", `the writer of ${file} did not start: ${message}`, hint, {
      cause: error,
    });
  }
}

class FileStore implements SqliteStore {
  readonly failed: Promise<OperatorError>;
  readonly #runtime: Runtime;
  readonly #generation: number;
  readonly #writer: WriterClient;
  readonly #refs = new OwnedRefs();
  #appending = false;

  constructor({ file, runtime, onEvent }: SqliteStoreOptions, link: WriterLink) {
    this.#runtime = runtime;
    this.#generation = link.generation;
    let fail: (error: OperatorError) => void = () => {};
    this.failed = new Promise((resolve) => {
      fail = resolve;
    });
    this.#writer = new WriterClient({
      ...{ link, runtime, file },
      onEvent(event) {
        if (event.kind === "failed") fail(event.error);
        onEvent?.(event);
      },
    });
  }

  async load(name: DocumentName): Promise<Loaded> {
    const ref = this.#refs.claim(name, this.#generation);
    const { doc, ...found } = await this.#writer.call("load", ref.name).catch((error: unknown) => {
      this.#refs.fence(ref);
      throw error;
    });
    ref.doc = doc;
    if (found.status === "live" || found.status === "deleted") ref.head = found.head.seq;
    if (found.status === "quarantined") this.#refs.fence(ref);
    return { ref, epoch: this.#generation, ...found };
  }

  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    invariant(!this.#appending, "one append is in flight at a time");
    const outcomes = this.#refs.admit(batch);
    const entries = this.#entries(batch, outcomes);
    if (entries.length === 0) return outcomes;
    this.#appending = true;
    try {
      const answer = await this.#writer.callNow("append", packAppend(entries, this.#runtime.now()));
      const refused = this.#settle(entries, answer);
      if (refused.size === 0) return outcomes;
      return outcomes.map((outcome, index) => (refused.has(batch[index]?.ref) ? "fenced" : outcome));
    } catch (error) {
      if (inDoubt(error)) for (const { ref } of entries) this.#refs.fence(ref);
      throw error;
    } finally {
      this.#appending = false;
    }
  }

  async read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]> {
    const { doc } = this.#refs.readable(ref);
    const { after, limit, bytesMax } = range;
    return doc === 0 ? [] : this.#writer.call("read", { doc, after, limit, bytesMax });
  }

  async epochAt(ref: DocumentRef, seq: number): Promise<number | undefined> {
    const { doc } = this.#refs.readable(ref);
    return doc === 0 ? undefined : this.#writer.call("epochAt", { doc, seq });
  }

  async saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void> {
    const { doc, head } = this.#refs.writable(ref);
    invariant(doc !== 0 && snapshot.seq <= head, `a snapshot at ${snapshot.seq} of a log that ends at ${head}`);
    const { seq, epoch, typeVersion, body } = snapshot;
    await this.#writer.call("saveSnapshot", { doc, snapshot: { seq, epoch, typeVersion, body } });
  }

  async trim(ref: DocumentRef, bounds: TrimBounds): Promise<void> {
    const { doc } = this.#refs.writable(ref);
    const { deltas, since } = bounds;
    if (doc !== 0) await this.#writer.call("trim", { doc, bounds: { deltas, since } });
  }

  async receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts> {
    const { doc } = this.#refs.readable(ref);
    if (doc === 0) return { low: 0, highest: 0, receipts: [] };
    return this.#writer.call("receipts", { doc, subject, client });
  }

  async list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage> {
    const { space, type, after, limit } = page;
    return this.#writer.call("list", { space, type, after, limit });
  }

  credentials(): Promise<Credentials | undefined> {
    return this.#writer.call("credentials", undefined);
  }

  async revoke({ space, kind, name, at, until }: Revocation): Promise<void> {
    await this.#writer.call("revoke", { space, kind, name, at, until });
  }

  async noteUse(uses: readonly { readonly id: string; readonly at: number }[]): Promise<void> {
    await this.#writer.call(
      "noteUse",
      uses.map(({ id, at }) => ({ id, at })),
    );
  }

  facts(): Promise<StoreFacts> {
    return this.#writer.call("facts", undefined);
  }

  release(ref: DocumentRef): void {
    this.#refs.release(ref);
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  /** What of an admitted batch has rows to commit. */
  #entries(batch: readonly Append[], outcomes: readonly AppendOutcome[]): PackEntry[] {
    const entries: PackEntry[] = [];
    let index = 0;
    for (const { ref, transactions } of batch) {
      if (outcomes[index++] !== "committed" || transactions.length === 0) continue;
      entries.push({ ref: this.#refs.writable(ref), transactions });
    }
    return entries;
  }

  /** Notes what the writer has committed. Returns the refs it refused. */
  #settle(entries: readonly PackEntry[], answer: AppendAnswer): Set<DocumentRef | undefined> {
    const refused = new Set<DocumentRef | undefined>();
    let created = 0;
    let index = 0;
    for (const { ref, transactions } of entries) {
      if (answer.fenced.includes(index++)) {
        refused.add(ref);
        this.#refs.fence(ref);
        continue;
      }
      if (ref.doc === 0) ref.doc = answer.numbers[created++] ?? 0;
      ref.head += transactions.length;
    }
    return refused;
  }
}

const inDoubt = (error: unknown): boolean => error instanceof StoreError && error.certainty === "indeterminate";
