// A DocumentStore whose every answer waits for the test: commits are decided one by one, loads, receipts and reads come
// late or fail. What it keeps, and the promises of the port, are those of the store inside.
import {
  type Append,
  type AppendOutcome,
  type ClientReceipts,
  type DocumentName,
  type DocumentRef,
  type DocumentStore,
  type KeyPage,
  type Loaded,
  type LogRow,
  type StoredSnapshot,
  StoreError,
  type TrimBounds,
} from "../../src/document/document-store.js";

/** What becomes of one commit. `lost` and `kept` are both reported as in doubt. */
export type Fate = "commit" | "disk_full" | "failed" | "lost" | "kept" | "fence";

/** What can be held back or made to fail. */
export type Operation = "load" | "receipts" | "read" | "saveSnapshot";

interface Pending {
  readonly batch: readonly Append[];
  readonly decide: (fate: Fate) => void;
}

export class ControlledStore implements DocumentStore {
  readonly inner: DocumentStore;
  /** How often each was asked for. */
  readonly counts: Record<Operation | "append" | "trim" | "release" | "epochAt", number> = {
    load: 0,
    receipts: 0,
    read: 0,
    saveSnapshot: 0,
    append: 0,
    trim: 0,
    release: 0,
    epochAt: 0,
  };
  /** Bounds of each trim. */
  readonly trims: TrimBounds[] = [];
  /** Decides commits as they come; undefined: they wait for `decide`. */
  plan: (() => Fate) | undefined = () => "commit";
  readonly #pending: Pending[] = [];
  readonly #held = new Map<Operation, (() => void)[]>();
  readonly #failures = new Map<Operation, number>();

  constructor(inner: DocumentStore) {
    this.inner = inner;
  }

  /** Commits wait for `decide` from now on. */
  holdCommits(): void {
    this.plan = undefined;
  }

  /** How many commits wait: 0 or 1. */
  get commitsWaiting(): number {
    return this.#pending.length;
  }

  /** Settles the commit in flight. Throws when there is none. */
  decide(fate: Fate): void {
    const pending = this.#pending.shift();
    if (pending === undefined) throw new Error("no commit is waiting");
    pending.decide(fate);
  }

  /** Answers of this kind wait for `release`. */
  hold(operation: Operation): void {
    if (!this.#held.has(operation)) this.#held.set(operation, []);
  }

  /** Lets everything of this kind go on, now and from now on. */
  letGo(operation: Operation): void {
    const waiting = this.#held.get(operation) ?? [];
    this.#held.delete(operation);
    for (const go of waiting) go();
  }

  /** The next `times` of this kind fail. */
  failNext(operation: Operation, times = 1): void {
    this.#failures.set(operation, times);
  }

  async load(name: DocumentName): Promise<Loaded> {
    await this.#enter("load");
    return this.inner.load(name);
  }

  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    this.counts.append += 1;
    const fate = this.plan?.() ?? (await new Promise<Fate>((decide) => this.#pending.push({ batch, decide })));
    switch (fate) {
      case "commit":
        return this.inner.append(batch);
      case "kept":
        await this.inner.append(batch);
        throw new StoreError("indeterminate", "in doubt, and written");
      case "lost":
        throw new StoreError("indeterminate", "in doubt, and not written");
      case "fence":
        return batch.map(() => "fenced");
      default:
        throw new StoreError(fate, fate);
    }
  }

  async read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]> {
    await this.#enter("read");
    return this.inner.read(ref, range);
  }

  async epochAt(ref: DocumentRef, seq: number): Promise<number | undefined> {
    this.counts.epochAt += 1;
    return this.inner.epochAt(ref, seq);
  }

  async saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void> {
    await this.#enter("saveSnapshot");
    return this.inner.saveSnapshot(ref, snapshot);
  }

  async trim(ref: DocumentRef, bounds: TrimBounds): Promise<void> {
    this.counts.trim += 1;
    this.trims.push(bounds);
    return this.inner.trim(ref, bounds);
  }

  async receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts> {
    await this.#enter("receipts");
    return this.inner.receipts(ref, subject, client);
  }

  list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage> {
    return this.inner.list(page);
  }

  release(ref: DocumentRef): void {
    this.counts.release += 1;
    this.inner.release(ref);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #enter(operation: Operation): Promise<void> {
    this.counts[operation] += 1;
    const held = this.#held.get(operation);
    if (held !== undefined) await new Promise<void>((go) => held.push(go));
    const failures = this.#failures.get(operation) ?? 0;
    if (failures === 0) return;
    this.#failures.set(operation, failures - 1);
    throw new StoreError("failed", `${operation} fails because the test says so`);
  }
}
