// The rows that are still in a journal, in memory too: by document for reads and for the fold, by client for receipts.
// It is rebuilt by scanning the journals at start. What it holds is committed, and bounded by when a journal is folded.
import type { JournalRow } from "./journal-row.js";
import type { JournalName } from "./schema.js";

/** The rows of one document in one journal: at least one while it is in the index, with contiguous seqs. */
export class Tail {
  rows: JournalRow[] = [];
  readonly #clients = new Map<string, JournalRow[]>();

  get last(): JournalRow | undefined {
    return this.rows.at(-1);
  }

  add(row: JournalRow): void {
    this.rows.push(row);
    if (row.client === null) return;
    const asked = this.#clients.get(row.client);
    if (asked === undefined) this.#clients.set(row.client, [row]);
    else asked.push(row);
  }

  /** Rows with `after < seq`. */
  after(after: number): readonly JournalRow[] {
    const first = this.rows[0]?.seq ?? 0;
    return after < first ? this.rows : this.rows.slice(after + 1 - first);
  }

  /** Rows that answer this client, whoever its subject is. Rows already folded may be among them. */
  ofClient(client: string): readonly JournalRow[] {
    return this.#clients.get(client) ?? [];
  }

  /** Forgets the oldest rows: the fold has moved them. */
  drop(count: number): void {
    this.rows = this.rows.slice(count);
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
      tail = new Tail();
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
