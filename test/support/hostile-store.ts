// A DocumentStore that lies in wait: by a seeded plan it refuses, answers late, or fails in doubt with the commit done,
// not done, or done only later. It keeps the port's promises all the same: whoever uses it must not notice otherwise.
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
} from "../../src/document/document-store.js";
import { StoreError } from "../../src/document/document-store.js";

/** What happens to one append. */
export const HOSTILITIES = ["none", "slow", "refused", "disk_full", "lost", "committed", "committed_late"] as const;
export type Hostility = (typeof HOSTILITIES)[number];

/** What the store did to whom: a test asserts that its faults really fired. */
export type HostilityCounts = Record<Hostility, number>;

/** Decides the next append's fate. */
export type HostilePlan = () => Hostility;

/** A plan by chance, repeatable by its seed: half of the appends go through. */
export function seededPlan(seed: number): HostilePlan {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const chance = ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    if (chance < 0.5) return "none";
    return HOSTILITIES[1 + Math.floor((chance - 0.5) * 2 * (HOSTILITIES.length - 1))] ?? "none";
  };
}

export class HostileStore implements DocumentStore {
  readonly counts: HostilityCounts = {
    none: 0,
    slow: 0,
    refused: 0,
    disk_full: 0,
    lost: 0,
    committed: 0,
    committed_late: 0,
  };
  readonly #inner: DocumentStore;
  readonly #plan: HostilePlan;
  readonly #doubtful = new WeakSet<DocumentRef>();
  /** Commits that reported failure and happen only when somebody loads. */
  #late: (() => Promise<unknown>)[] = [];

  constructor(inner: DocumentStore, plan: HostilePlan) {
    this.#inner = inner;
    this.#plan = plan;
  }

  async load(name: DocumentName): Promise<Loaded> {
    await this.#settle();
    return this.#inner.load(name);
  }

  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    const fenced = batch.map(({ ref }) => this.#doubtful.has(ref));
    const allowed = batch.filter((_, index) => !fenced[index]);
    const outcomes = [...(await this.#appendAllowed(allowed))];
    return fenced.map((isFenced) => (isFenced ? "fenced" : (outcomes.shift() ?? "fenced")));
  }

  read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]> {
    return this.#inner.read(ref, range);
  }

  epochAt(ref: DocumentRef, seq: number): Promise<number | undefined> {
    return this.#inner.epochAt(ref, seq);
  }

  saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void> {
    return this.#inner.saveSnapshot(ref, snapshot);
  }

  trim(ref: DocumentRef, bounds: TrimBounds): Promise<void> {
    return this.#inner.trim(ref, bounds);
  }

  receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts> {
    return this.#inner.receipts(ref, subject, client);
  }

  list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage> {
    return this.#inner.list(page);
  }

  release(ref: DocumentRef): void {
    this.#inner.release(ref);
  }

  async close(): Promise<void> {
    await this.#settle();
    await this.#inner.close();
  }

  async #appendAllowed(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    const fate = this.#plan();
    this.counts[fate]++;
    switch (fate) {
      case "none":
        return this.#inner.append(batch);
      case "slow":
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        return this.#inner.append(batch);
      case "refused":
        throw new StoreError("failed", "hostile: refused");
      case "disk_full":
        throw new StoreError("disk_full", "hostile: the disk is full");
      case "lost":
        throw this.#inDoubt(batch);
      case "committed":
        await this.#inner.append(batch);
        throw this.#inDoubt(batch);
      case "committed_late":
        this.#late.push(() => this.#inner.append(batch));
        throw this.#inDoubt(batch);
    }
  }

  #inDoubt(batch: readonly Append[]): StoreError {
    for (const { ref } of batch) this.#doubtful.add(ref);
    return new StoreError("indeterminate", "hostile: the commit failed, or did it");
  }

  /** A store answers no load before what is in doubt has been settled (R10). */
  async #settle(): Promise<void> {
    for (let next = this.#late.shift(); next !== undefined; next = this.#late.shift()) await next();
  }
}
