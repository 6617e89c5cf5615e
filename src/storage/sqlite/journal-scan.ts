// Reads both journals once at start: rebuilds the index, and finds rows that are damaged or gone and whose they were
// (R12). It repairs nothing.
//
// What makes a loss visible: ids are without gaps over both journals, seqs are without gaps per document, and each block
// names the documents of its rows and those of the block before, apart from the rows themselves. A loss that none of
// these can pin on a document condemns the whole file.
import { DamageError } from "./columns.js";
import { DocumentStatus, type Documents } from "./documents.js";
import type { BlockHead, FoundBlock } from "./journal.js";
import type { Journals } from "./journals.js";
import type { Row, RowBlock } from "./row-block.js";
import type { Unfolded } from "./unfolded.js";

/** Where one document stands while the scan goes on. */
interface Standing {
  readonly folded: number;
  head: number;
  /** Rows missing between those that are there. */
  gap: number;
  /** Rows known to be lost or damaged by what follows them. */
  pinned: number;
  reason: string | undefined;
}

/** Fills the index of `journals`. Returns why documents must be quarantined, by number. Throws DamageError when rows
 * are lost and nobody can say whose they were. */
export function scanJournals(journals: Journals, documents: Documents): Map<number, string> {
  const scan = new JournalScan(journals, documents);
  for (const unfolded of [journals.frozen, journals.active]) {
    if (unfolded === undefined) continue;
    for (const found of journals.table(unfolded.journal).scan()) scan.visit(unfolded, found);
  }
  return scan.finish();
}

class JournalScan {
  readonly #journals: Journals;
  readonly #documents: Documents;
  readonly #standings = new Map<number, Standing>();
  #lost = 0;
  /** The newest block is not even known by its length. */
  #unreadable = false;
  /** Damaged rows of the block just passed, by index, while nothing has said whose they are. */
  #unnamed: number[] = [];

  constructor(journals: Journals, documents: Documents) {
    this.#journals = journals;
    this.#documents = documents;
  }

  visit(unfolded: Unfolded, { id, block, head }: FoundBlock): void {
    const missing = id - this.#journals.nextId;
    if (missing < 0) throw new DamageError(`journal row ${id} appears out of order`);
    if (missing > 0) this.#nameMissing(missing, head);
    else for (const index of this.#unnamed) this.#pin(head?.previousDocs[index]);
    this.#unnamed = [];
    // Without a block nobody knows the next id: the block after it will find rows missing.
    if (block === undefined) this.#unreadable = true;
    else this.#read(unfolded, block, head);
  }

  finish(): Map<number, string> {
    if (this.#unreadable) throw new DamageError("the last rows of the journal are damaged, of unknown documents");
    const explained = [...this.#standings.values()].reduce((sum, one) => sum + Math.max(one.gap, one.pinned), 0);
    if (this.#lost > explained)
      throw new DamageError(`${this.#lost - explained} journal rows are lost, of unknown documents`);
    const quarantined = new Map<number, string>();
    for (const [doc, { reason }] of this.#standings) {
      if (reason === undefined) continue;
      quarantined.set(doc, reason);
      this.#journals.condemn(doc);
    }
    return quarantined;
  }

  /** Blocks before this one are gone: it knows whose rows were in the last of them. */
  #nameMissing(missing: number, head: BlockHead | undefined): void {
    const previousDocs = head?.previousDocs ?? [];
    for (const doc of previousDocs) this.#pin(doc);
    this.#lost += Math.max(missing, previousDocs.length);
    this.#unreadable = false;
  }

  #read(unfolded: Unfolded, block: RowBlock, head: BlockHead | undefined): void {
    unfolded.count(block);
    for (let index = 0; index < block.count; index++) {
      const row = block.verified(index);
      if (row !== undefined) this.#accept(unfolded, row);
      else {
        this.#lost++;
        if (head === undefined) this.#unnamed.push(index);
        else this.#pin(head.docs[index]);
      }
    }
    this.#journals.passed(block);
  }

  #accept(unfolded: Unfolded, row: Row): void {
    const { doc, seq } = row;
    const standing = this.#standing(doc);
    if (seq === standing.head + 1) {
      unfolded.add(row);
      standing.head++;
      return;
    }
    if (seq <= standing.folded) return;
    standing.gap += Math.max(0, seq - standing.head - 1);
    standing.reason ??= `rows after ${standing.head} are missing from the journal`;
    standing.head = seq;
  }

  #pin(doc: number | undefined): void {
    if (doc === undefined) return;
    const standing = this.#standing(doc);
    standing.pinned++;
    standing.reason ??= "a row in the journal is damaged or missing";
  }

  #standing(doc: number): Standing {
    const known = this.#standings.get(doc);
    if (known !== undefined) return known;
    const standing = this.#readStanding(doc);
    this.#standings.set(doc, standing);
    return standing;
  }

  #readStanding(doc: number): Standing {
    try {
      const { head, status, reason } = this.#documents.get(doc);
      const kept = status === DocumentStatus.quarantined ? (reason ?? "it was quarantined") : undefined;
      return { folded: head, head, gap: 0, pinned: 0, reason: kept };
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return { folded: 0, head: 0, gap: 0, pinned: 0, reason: error.reason };
    }
  }
}
