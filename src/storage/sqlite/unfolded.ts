// The in-memory index of rows that are still in a journal: which ids belong to which document and client. It is
// rebuilt by scanning the journals at start, and holds positions only, never contents.
import type { JournalRow } from "./journal-row.js";
import type { JournalName } from "./schema.js";

/** The rows of one document in one journal: contiguous seqs, so a seq is an offset. */
export class Tail {
  /** Seq of `ids[0]`. */
  first: number;
  ids: number[] = [];
  epoch = 0;
  kind = 0;
  readonly #clients = new Map<string, number[]>();

  constructor(first: number) {
    this.first = first;
  }

  get head(): number {
    return this.first + this.ids.length - 1;
  }

  add(row: JournalRow): void {
    this.ids.push(row.id);
    this.epoch = row.epoch;
    this.kind = row.kind;
    if (row.client === null) return;
    const ids = this.#clients.get(row.client);
    if (ids === undefined) this.#clients.set(row.client, [row.id]);
    else ids.push(row.id);
  }

  /** Ids of rows that answer this client, whoever its subject is. Rows already folded may be among them. */
  ofClient(client: string): readonly number[] {
    return this.#clients.get(client) ?? [];
  }

  /** Forgets the oldest rows: the fold has moved them. */
  drop(count: number): void {
    this.first += count;
    this.ids = this.ids.slice(count);
  }
}

/** The index of one journal. */
export class Unfolded {
  readonly journal: JournalName;
  readonly tails = new Map<number, Tail>();
  /** Documents in quarantine that have rows here. */
  readonly aside = new Set<number>();
  /** Of everything the journal holds, folded or not: what decides when to fold. */
  rows = 0;
  bytes = 0;

  constructor(journal: JournalName) {
    this.journal = journal;
  }

  add(row: JournalRow): void {
    let tail = this.tails.get(row.doc);
    if (tail === undefined) {
      tail = new Tail(row.seq);
      this.tails.set(row.doc, tail);
    }
    tail.add(row);
    this.count(row);
  }

  setAside(doc: number): void {
    if (this.tails.delete(doc)) this.aside.add(doc);
  }

  /** Counts a row without indexing it: it was folded before, or belongs to a damaged document. */
  count(row: JournalRow): void {
    this.rows++;
    this.bytes += rowBytes(row);
  }
}

/** About how many bytes a row takes. */
export const rowBytes = (row: JournalRow): number =>
  96 +
  row.subject.length +
  row.operations.length +
  (row.client?.length ?? 0) +
  (row.result?.length ?? 0) +
  (row.events?.length ?? 0);
