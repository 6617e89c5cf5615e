// The two journals in turn, with their index: where a commit goes, and where a row that is not folded yet is found.
import { columns, integer } from "./columns.js";
import type { Connection } from "./connection.js";
import { Journal } from "./journal.js";
import type { RowBlock } from "./row-block.js";
import { JOURNALS, type JournalName } from "./schema.js";
import { type Tail, Unfolded } from "./unfolded.js";

export class Journals {
  /** What takes the commits. */
  active: Unfolded;
  /** What is being folded. All its ids are below those of the active one. */
  frozen: Unfolded | undefined;
  /** Id of the next row. */
  nextId: number;
  /** The newest block; undefined while there is none that can be read. */
  #newest: RowBlock | undefined;
  #activeFirstId: number;
  readonly #tables: { readonly [name in JournalName]: Journal };

  /** `firstId`: of the oldest row there must be. */
  constructor(db: Connection, firstId: number) {
    this.#tables = { journal_a: new Journal(db, "journal_a"), journal_b: new Journal(db, "journal_b") };
    const [older, newer] = filled(db);
    this.frozen = newer === undefined || older === undefined ? undefined : new Unfolded(older.name);
    this.active = new Unfolded(newer?.name ?? older?.name ?? "journal_a");
    this.#activeFirstId = newer?.firstId ?? firstId;
    this.nextId = firstId;
  }

  table(name: JournalName): Journal {
    return this.#tables[name];
  }

  /** Id of the oldest row that must be there once the frozen journal is empty. */
  get activeFirstId(): number {
    return this.#activeFirstId;
  }

  /** A document's rows that are not folded: the older journal's first. */
  tails(doc: number): Tail[] {
    const found = [this.frozen?.tails.get(doc), this.active.tails.get(doc)];
    return found.filter((tail) => tail !== undefined);
  }

  /** Inside a transaction: blocks whose ids go on from `nextId`. */
  insert(blocks: readonly RowBlock[]): void {
    const journal = this.table(this.active.journal);
    let previous = this.#newest;
    for (const block of blocks) {
      journal.insert(block, previous);
      previous = block;
    }
  }

  /** Notes a block that is committed now. */
  committed(block: RowBlock): void {
    this.active.count(block);
    for (let index = 0; index < block.count; index++) this.active.add(block.row(index));
    this.passed(block);
  }

  /** Moves on past a block. */
  passed(block: RowBlock): void {
    this.nextId = block.firstId + block.count;
    this.#newest = block;
  }

  /** The active journal is to be folded; the other one, which is empty, takes the commits. */
  turn(): void {
    this.frozen = this.active;
    this.active = new Unfolded(this.frozen.journal === "journal_a" ? "journal_b" : "journal_a");
    this.#activeFirstId = this.nextId;
  }

  /** The frozen journal has been emptied. */
  folded(): void {
    this.frozen = undefined;
  }

  /** Takes a document out of the index: nothing of it may be folded, and its rows are kept apart when the journal is
   * emptied. */
  setAside(doc: number): void {
    for (const unfolded of [this.frozen, this.active]) unfolded?.setAside(doc);
  }

  /** The same for a document whose rows were found damaged at start, and so may not be in the index. */
  condemn(doc: number): void {
    this.setAside(doc);
    for (const unfolded of [this.frozen, this.active]) unfolded?.aside.add(doc);
  }
}

/** Journals that hold rows, the older one first. */
function filled(db: Connection): { name: JournalName; firstId: number }[] {
  const found: { name: JournalName; firstId: number }[] = [];
  for (const name of JOURNALS) {
    const [firstId] = columns(db.prepare(`SELECT min(id) FROM ${name}`).raw().get());
    if (firstId !== null) found.push({ name, firstId: integer(firstId) });
  }
  return found.sort((left, right) => left.firstId - right.firstId);
}
