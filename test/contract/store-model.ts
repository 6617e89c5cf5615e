// What any store must answer, computed the simple way from everything that was acknowledged to a document.
import { expect } from "vitest";
import type {
  ClientReceipts,
  DocumentStore,
  StoredReceipt,
  StoredSnapshot,
  TrimBounds,
} from "../../src/document/document-store.js";
import type { DocumentDriver } from "./document-driver.js";

/** A document and what is known of its snapshot and its trimmed part. */
export class DocumentModel {
  readonly driver: DocumentDriver;
  snapshot: StoredSnapshot | undefined;
  /** Seq of the oldest row the store was seen to keep. */
  first = 1;

  constructor(driver: DocumentDriver) {
    this.driver = driver;
  }

  /** Loads it anew and compares everything. */
  async expectLoaded(): Promise<void> {
    const { driver } = this;
    const loaded = await driver.load();
    const last = driver.committed.at(-1);
    if (last === undefined) return void expect(loaded.status).toBe("absent");
    expect(loaded).toMatchObject({
      status: driver.deleted ? "deleted" : "live",
      head: { seq: last.seq, epoch: last.epoch },
    });
    if (loaded.status !== "live") return;
    expect(loaded.snapshot).toEqual(this.snapshot);
    expect(loaded.tail).toEqual(driver.rows.slice(this.snapshot?.seq ?? 0));
  }

  async expectRead(store: DocumentStore, range: { after: number; limit: number; bytesMax: number }): Promise<void> {
    const { ref } = await this.driver.owner();
    const kept = this.driver.rows.slice(Math.max(range.after, this.first - 1));
    let bytes = 0;
    const expected = kept.slice(0, range.limit).filter((row, index) => {
      bytes += row.operations.length + (row.events?.length ?? 0);
      return index === 0 || bytes <= range.bytesMax;
    });
    expect(await store.read(ref, range)).toEqual(expected);
  }

  async expectEpochAt(store: DocumentStore, seq: number): Promise<void> {
    const { ref } = await this.driver.owner();
    const expected = seq < this.first ? undefined : this.driver.committed[seq - 1]?.epoch;
    expect(await store.epochAt(ref, seq)).toBe(expected);
  }

  async expectReceipts(store: DocumentStore, subject: string, client: string): Promise<void> {
    const { ref } = await this.driver.owner();
    expect(await store.receipts(ref, subject, client)).toEqual(this.receipts(subject, client));
  }

  async saveSnapshot(store: DocumentStore, seq: number): Promise<void> {
    const { ref } = await this.driver.owner();
    const row = this.driver.committed[seq - 1];
    if (row === undefined) return;
    const snapshot = { seq, epoch: row.epoch, typeVersion: row.typeVersion, body: `{"seq":${seq}}` };
    await store.saveSnapshot(ref, snapshot);
    if (seq >= (this.snapshot?.seq ?? 0)) this.snapshot = snapshot;
  }

  /** A store may keep more than it must: what went is a prefix, and nothing of it was still wanted. */
  async trim(store: DocumentStore, bounds: TrimBounds): Promise<void> {
    const { ref } = await this.driver.owner();
    await store.trim(ref, bounds);
    const [oldest] = await store.read(ref, { after: 0, limit: 1, bytesMax: 0 });
    const first = oldest?.seq ?? this.driver.head + 1;
    expect(first).toBeGreaterThanOrEqual(this.first);
    for (const row of this.driver.committed.slice(this.first - 1, first - 1)) {
      expect(row.seq).toBeLessThanOrEqual(this.snapshot?.seq ?? 0);
      expect(row.seq <= this.driver.head - bounds.deltas || row.at < bounds.since).toBe(true);
    }
    this.first = first;
  }

  receipts(subject: string, client: string): ClientReceipts {
    const asked = this.driver.committed.flatMap(({ request, seq, epoch }) =>
      request?.subject === subject && request.client === client ? [{ ...request, seq, epoch }] : [],
    );
    const low = Math.max(0, ...asked.map((request) => request.low));
    const highest = Math.max(0, ...asked.map(({ n }) => n));
    const receipts = asked
      .filter(({ n }) => n >= low || n === highest)
      .sort((left, right) => left.n - right.n)
      .map(({ n, seq, epoch, born, hash, result }): StoredReceipt => ({ n, seq, epoch, born, hash, result }));
    return { low, highest, receipts };
  }
}
