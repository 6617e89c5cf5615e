// Reads both journals once at start: rebuilds the index, and finds rows that are damaged or gone and whose they were
// (R12). It repairs nothing.
//
// What makes a loss visible: ids are without gaps over both journals, seqs are without gaps per document, and each row
// names the document of the row before it. A loss that none of these can pin on a document condemns the whole file.
import { columns, DamageError, integer } from "./columns.js";
import { DocumentStatus, type Documents } from "./documents.js";
import { type JournalRow, parseJournalRow } from "./journal-row.js";
import type { Journals } from "./journals.js";
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
    for (const raw of journals.table(unfolded.journal).scan()) scan.visit(unfolded, raw);
  }
  return scan.finish();
}

class JournalScan {
  readonly #journals: Journals;
  readonly #documents: Documents;
  readonly #standings = new Map<number, Standing>();
  #lost = 0;
  /** What the damaged row just passed says its document is; undefined when the last row was good. */
  #damagedDoc: number | undefined;

  constructor(journals: Journals, documents: Documents) {
    this.#journals = journals;
    this.#documents = documents;
  }

  visit(unfolded: Unfolded, raw: unknown): void {
    const id = integer(columns(raw)[0]);
    const missing = id - this.#journals.nextId;
    if (missing < 0) throw new DamageError(`journal row ${id} appears out of order`);
    this.#lost += missing;
    const row = tryParse(raw);
    if (row === undefined) this.#skipDamaged(id, raw);
    else this.#accept(unfolded, row, missing > 0 || this.#damagedDoc !== undefined);
  }

  finish(): Map<number, string> {
    if (this.#damagedDoc !== undefined) this.#pin(this.#damagedDoc);
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

  #skipDamaged(id: number, raw: unknown): void {
    const doc = columns(raw)[2];
    this.#lost++;
    this.#damagedDoc = typeof doc === "number" ? doc : 0;
    this.#journals.passed({ id, doc: this.#damagedDoc });
  }

  #accept(unfolded: Unfolded, row: JournalRow, afterLoss: boolean): void {
    if (afterLoss) this.#pin(row.previousDoc);
    this.#damagedDoc = undefined;
    this.#journals.passed(row);
    const standing = this.#standing(row.doc);
    if (row.seq === standing.head + 1) {
      unfolded.add(row);
      standing.head++;
      return;
    }
    unfolded.count(row);
    if (row.seq <= standing.folded) return;
    standing.gap += Math.max(0, row.seq - standing.head - 1);
    standing.reason ??= `rows after ${standing.head} are missing from the journal`;
    standing.head = row.seq;
  }

  #pin(doc: number): void {
    if (doc === 0) return;
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

function tryParse(raw: unknown): JournalRow | undefined {
  try {
    return parseJournalRow(raw);
  } catch (error) {
    if (error instanceof DamageError) return undefined;
    throw error;
  }
}
