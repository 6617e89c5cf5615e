// Brings executed transactions to the store: one append in flight, and all that queued up meanwhile is the next one
// (group commit without a timer). It owns the order of commits, never what they mean.
import type { Runtime } from "../runtime/runtime.js";
import { type Append, type AppendOutcome, type DocumentStore, StoreError } from "./document-store.js";
import { Workload } from "./workload.js";

/** A document with transactions to commit. */
export interface Committing {
  /** Hands over what was executed since the last time; undefined: nothing (any more). */
  take(): Append | undefined;
  /** What `take` gave is durable. */
  committed(append: Append): void;
  /** Another owner has the document: nothing of it was written. */
  fenced(): void;
  /** What `take` gave, and all that was executed on top, is lost or in doubt. */
  lost(error: StoreError): void;
}

/** Where and when to commit. */
export interface CommitterParts {
  readonly store: DocumentStore;
  readonly runtime: Runtime;
}

/** The one way to the store's `append` on this process. */
export class Committer {
  readonly #store: DocumentStore;
  readonly #runtime: Runtime;
  readonly #workload: Workload;
  #waiting: Committing[] = [];
  /** When the first of those that wait, and of those under way, executed what it has to commit. */
  #waitingSinceMs: number | undefined = undefined;
  #inFlightSinceMs = 0;
  #inFlight = false;
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor({ store, runtime }: CommitterParts) {
    this.#store = store;
    this.#runtime = runtime;
    this.#workload = new Workload(runtime);
  }

  /** What is on its way to the store, of all documents. */
  get workload(): Workload {
    return this.#workload;
  }

  /** `document` has something to take, for the first time since it was taken from: once for each time. Calls that
   * arrive together commit together. */
  enqueue(document: Committing): void {
    this.#waiting.push(document);
    if (this.#waitingSinceMs === undefined) {
      this.#waitingSinceMs = this.#runtime.monotonicMs();
      if (!this.#inFlight) this.#workload.began(this.#waitingSinceMs);
    }
    if (this.#inFlight || this.#scheduled) return;
    this.#scheduled = true;
    this.#runtime.defer(() => {
      this.#scheduled = false;
      this.#next();
    });
  }

  /** Resolves when everything enqueued so far has its outcome. */
  idle(): Promise<void> {
    if (!this.#inFlight && this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    if (this.#inFlight) return;
    const documents: Committing[] = [];
    const batch: Append[] = [];
    for (const document of this.#waiting) {
      const append = document.take();
      if (append === undefined) continue;
      documents.push(document);
      batch.push(append);
    }
    this.#waiting = [];
    const nowMs = this.#runtime.monotonicMs();
    this.#inFlightSinceMs = this.#waitingSinceMs ?? nowMs;
    this.#waitingSinceMs = undefined;
    if (batch.length === 0) return this.#settleIdle();
    this.#inFlight = true;
    this.#store.append(batch).then(
      (outcomes) => {
        this.#over();
        // The next batch is on its way to the disk while this one's answers are written to sockets.
        this.#next();
        for (let index = 0; index < documents.length; index++) settle(documents[index], batch[index], outcomes[index]);
      },
      (error: unknown) => {
        this.#over();
        const failure =
          error instanceof StoreError ? error : new StoreError("indeterminate", String(error), { cause: error });
        // Whoever executed on top of what is lost must not commit that: told before anything more is taken.
        for (const document of documents) tellLost(document, failure);
        this.#next();
      },
    );
  }

  #over(): void {
    this.#inFlight = false;
    this.#workload.committed(this.#runtime.monotonicMs() - this.#inFlightSinceMs, this.#waitingSinceMs);
  }

  #settleIdle(): void {
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}

function settle(
  document: Committing | undefined,
  append: Append | undefined,
  outcome: AppendOutcome | undefined,
): void {
  if (document === undefined || append === undefined) return;
  try {
    if (outcome === "committed") document.committed(append);
    else document.fenced();
  } catch (cause) {
    failed(document, cause);
  }
}

function tellLost(document: Committing, error: StoreError): void {
  try {
    document.lost(error);
  } catch (cause) {
    failed(document, cause);
  }
}

/** One document whose bookkeeping fails is loaded again; the others of the batch hear their outcome (R19). */
function failed(document: Committing, cause: unknown): void {
  document.lost(new StoreError("indeterminate", "a document failed while it was told of its commit", { cause }));
}
