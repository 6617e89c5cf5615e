// A DocumentStore in virtual time: one thing after the other, as a writer thread does it, each taking its time; a commit
// is answered only after its sync. What it keeps, and the promises of the port, are those of the memory store inside.
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
} from "../../../src/document/document-store.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import type { Chance } from "../world/chance.js";
import type { SimulatedProcess } from "../world/process.js";
import type { SimulatedDisk } from "./simulated-disk.js";
import type { Fate, StoreFaults } from "./store-faults.js";

/** What a store is made of. */
export interface SimulatedStoreParts {
  readonly process: SimulatedProcess;
  readonly disk: SimulatedDisk;
  readonly faults: StoreFaults;
  readonly chance: Chance;
  /** A planted bug: commits are answered when they are written, and synced so many ms later. */
  readonly syncLateMs?: number;
}

/** A commit between the moment it was asked for and its sync. */
interface UnderWay {
  readonly batch: readonly Append[];
  readonly fate: Fate;
}

/** One opening of a disk. */
export class SimulatedStore implements DocumentStore {
  readonly #parts: SimulatedStoreParts;
  readonly #inner: MemoryStore;
  readonly #generation: number;
  /** Refs of commits in doubt: they are owned again only by loading. */
  readonly #doubtful = new WeakSet<DocumentRef>();
  #underWay: UnderWay | undefined;
  #busyUntilMs = 0;
  /** How many documents were given back. */
  releases = 0;

  constructor(parts: SimulatedStoreParts) {
    this.#parts = parts;
    this.#inner = new MemoryStore({ disk: parts.disk.memory, runtime: parts.process });
    this.#generation = parts.disk.memory.generation;
  }

  /** The process is gone. `kept`: what was being written had reached the disk all the same. */
  crash(kept: boolean): void {
    const { disk } = this.#parts;
    const underWay = this.#underWay;
    this.#underWay = undefined;
    if (kept && underWay?.fate === "commit") this.#write(underWay.batch).catch(() => undefined);
    if (kept) disk.sync();
  }

  load(name: DocumentName): Promise<Loaded> {
    return this.#read("load", () => this.#inner.load(name));
  }

  async append(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    const { faults, chance, syncLateMs } = this.#parts;
    const fate = faults.fate();
    this.#underWay = { batch, fate };
    if (syncLateMs !== undefined && fate === "commit") return this.#appendUnsynced(batch, syncLateMs);
    await this.#takes(chance.between(0.5, 4) + faults.extraMs());
    this.#underWay = undefined;
    switch (fate) {
      case "commit": {
        const outcomes = await this.#write(batch);
        await this.#answers();
        return outcomes;
      }
      case "kept":
        await this.#write(batch);
        return this.#inDoubt(batch);
      case "lost":
        return this.#inDoubt(batch);
      default:
        await this.#answers();
        throw new StoreError(fate, `${fate}, because a fault says so`);
    }
  }

  read(ref: DocumentRef, range: { after: number; limit: number; bytesMax: number }): Promise<readonly LogRow[]> {
    return this.#read("read", () => this.#inner.read(ref, range));
  }

  epochAt(ref: DocumentRef, seq: number): Promise<number | undefined> {
    return this.#read("epochAt", () => this.#inner.epochAt(ref, seq));
  }

  async saveSnapshot(ref: DocumentRef, snapshot: StoredSnapshot): Promise<void> {
    await this.#takes(this.#parts.chance.between(0.2, 2));
    await this.#inner.saveSnapshot(ref, snapshot);
    this.#note({ kind: "snapshot", name: ref.name, snapshot });
  }

  async trim(ref: DocumentRef, bounds: TrimBounds): Promise<void> {
    await this.#takes(this.#parts.chance.between(0.1, 0.5));
    await this.#inner.trim(ref, bounds);
    this.#note({ kind: "trim", name: ref.name, bounds });
  }

  receipts(ref: DocumentRef, subject: string, client: string): Promise<ClientReceipts> {
    return this.#read("receipts", () => this.#inner.receipts(ref, subject, client));
  }

  list(page: { space: string; type: string; after: string; limit: number }): Promise<KeyPage> {
    return this.#read("list", () => this.#inner.list(page));
  }

  release(ref: DocumentRef): void {
    this.releases += 1;
    this.#inner.release(ref);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #read<Result>(what: string, read: () => Promise<Result>): Promise<Result> {
    const { faults, chance } = this.#parts;
    await this.#takes(chance.between(0.1, 1.5));
    // Its owner was taken for dead, and another has the disk: it learns nothing of what that one writes.
    if (this.#parts.disk.memory.generation !== this.#generation)
      throw new StoreError("failed", "another store has the disk");
    if (faults.isUnreadable()) throw new StoreError("failed", `${what} fails, because a fault says so`);
    return read();
  }

  /** Written and synced in one: the moment before which a crash loses it and after which none does. */
  async #write(batch: readonly Append[]): Promise<readonly AppendOutcome[]> {
    const own = batch.filter(({ ref }) => !this.#doubtful.has(ref));
    const written = this.#inner.append(own);
    const outcomes = [...(await written)];
    own.forEach(({ ref, transactions }, index) => {
      if (outcomes[index] === "committed") this.#parts.disk.wrote({ kind: "rows", name: ref.name, transactions });
    });
    this.#parts.disk.sync();
    return batch.map(({ ref }) => (this.#doubtful.has(ref) ? "fenced" : (outcomes.shift() ?? "fenced")));
  }

  #note(written: Parameters<SimulatedDisk["wrote"]>[0]): void {
    this.#parts.disk.wrote(written);
    if (this.#parts.syncLateMs === undefined) this.#parts.disk.sync();
  }

  async #inDoubt(batch: readonly Append[]): Promise<never> {
    for (const { ref } of batch) this.#doubtful.add(ref);
    await this.#answers();
    throw new StoreError("indeterminate", "the commit failed, or did it");
  }

  async #appendUnsynced(batch: readonly Append[], syncLateMs: number): Promise<readonly AppendOutcome[]> {
    const { disk, process } = this.#parts;
    const outcomes = [...(await this.#inner.append(batch))];
    batch.forEach(({ ref, transactions }, index) => {
      if (outcomes[index] === "committed") disk.wrote({ kind: "rows", name: ref.name, transactions });
    });
    process.post(syncLateMs, () => disk.sync());
    await this.#takes(0.1);
    this.#underWay = undefined;
    return outcomes;
  }

  /** Waits for everything asked for before, and then so long. */
  #takes(ms: number): Promise<void> {
    const { process } = this.#parts;
    const nowMs = process.monotonicMs();
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs) + ms;
    const waitMs = this.#busyUntilMs - nowMs;
    return new Promise((resolve) => process.post(waitMs, resolve));
  }

  /** The way back from the writer's thread. */
  #answers(): Promise<void> {
    return new Promise((resolve) => this.#parts.process.post(this.#parts.chance.between(0.05, 0.5), resolve));
  }
}
