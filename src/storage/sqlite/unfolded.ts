// The rows that are still in a journal, in memory too: by document for reads and for the fold, by client for receipts.
// It is rebuilt by scanning the journals at start. What it holds is committed, and bounded by when a journal is folded.
import type { Receipt } from "./receipts.js";
import type { Row, RowBlock } from "./row-block.js";
import { ROW_BYTES } from "./row-layout.js";
import type { JournalName } from "./schema.js";

/** The rows of one document in one journal: at least one while it is in the index, with contiguous seqs. */
export class Tail {
  readonly #rows: Row[];
  /** Rows before this one are folded. */
  #start = 0;
  /** By client, the first `#indexed` rows: made when somebody asks, since most documents are never asked. */
  #byClient: Map<string, Row[]> | undefined;
  #indexed = 0;

  constructor(first: Row) {
    this.#rows = [first];
  }

  get last(): Row | undefined {
    return this.#rows.at(-1);
  }

  get length(): number {
    return this.#rows.length - this.#start;
  }

  add(row: Row): void {
    this.#rows.push(row);
  }

  /** The oldest rows, until there are `rowsMax` of them or `bytesMax` bytes, and at least one. */
  oldest(rowsMax: number, bytesMax: number): Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    for (let at = this.#start; rows.length < rowsMax && bytes < bytesMax; at++) {
      const row = this.#rows[at];
      if (row === undefined) break;
      rows.push(row);
      bytes += ROW_BYTES + row.textBytes;
    }
    return rows;
  }

  /** Rows with `after < seq`. */
  after(after: number): readonly Row[] {
    const first = this.#rows[this.#start]?.seq ?? 0;
    return this.#rows.slice(this.#start + Math.max(0, after + 1 - first));
  }

  /** Receipts of a client. Those of rows already folded may be among them. */
  receiptsOf(subject: string, client: string): Receipt[] {
    this.#byClient ??= new Map();
    for (; this.#indexed < this.#rows.length; this.#indexed++) index(this.#byClient, this.#rows[this.#indexed]);
    const asked = this.#byClient.get(client) ?? [];
    return asked.filter((row) => row.subject === subject).map((row) => row.toReceipt(row.low));
  }

  /** Forgets the oldest rows: the fold has moved them. */
  drop(count: number): void {
    this.#start += count;
  }
}

function index(byClient: Map<string, Row[]>, row: Row | undefined): void {
  if (row === undefined || !row.answers) return;
  const { client } = row;
  const asked = byClient.get(client);
  if (asked === undefined) byClient.set(client, [row]);
  else asked.push(row);
}

/** What a block takes in memory beside its bytes, about. */
const BLOCK_OVERHEAD_BYTES = 256;

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

  add(row: Row): void {
    const { doc } = row;
    const tail = this.tails.get(doc);
    if (tail === undefined) this.tails.set(doc, new Tail(row));
    else tail.add(row);
  }

  setAside(doc: number): void {
    if (this.tails.delete(doc)) this.aside.add(doc);
  }

  /** Counts a block, whatever becomes of its rows: they may be folded already, or damaged. */
  count(block: RowBlock): void {
    this.rows += block.count;
    this.bytes += block.bytes.length + BLOCK_OVERHEAD_BYTES;
  }
}
