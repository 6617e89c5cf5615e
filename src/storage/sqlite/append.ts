// The hot path of the writer: a packed batch becomes journal rows in one transaction, and enters the index only after
// its commit (R1, R2). New documents get their row in the same commit.
import { InvariantError } from "../../runtime/invariant.js";
import type { JournalRow } from "./journal-row.js";
import type { Tables } from "./tables.js";
import { type AppendAnswer, NUMBERS_PER_ROW, type PackedAppend, TEXTS_PER_ROW } from "./writer-calls.js";

/** Commits a batch. Throws StoreError. */
export function appendBatch(tables: Tables, batch: PackedAppend): AppendAnswer {
  const { journals, documents } = tables;
  const plan = planOf(tables, batch);
  if (plan.rows.length > 0) {
    const journal = journals.table(journals.active.journal);
    tables.transact(() => {
      plan.numbers.forEach((doc, index) => {
        const name = batch.names[index];
        if (name !== undefined) documents.insert(doc, name);
      });
      for (const row of plan.rows) journal.insert(row);
    });
    tables.nextDoc += plan.numbers.length;
    for (const row of plan.rows) journals.committed(row);
  }
  return { numbers: plan.numbers, fenced: plan.fenced };
}

interface Plan {
  readonly rows: readonly JournalRow[];
  readonly numbers: readonly number[];
  readonly fenced: readonly number[];
}

function planOf(tables: Tables, batch: PackedAppend): Plan {
  const rows: JournalRow[] = [];
  const numbers: number[] = [];
  const fenced: number[] = [];
  let { nextId: id, previousDoc } = tables.journals;
  let index = 0;
  for (let entry = 0; entry < batch.docs.length; entry++) {
    const end = index + (batch.counts[entry] ?? 0);
    let doc = batch.docs[entry] ?? 0;
    if (doc === 0) {
      doc = tables.nextDoc + numbers.length;
      numbers.push(doc);
    } else if (tables.reasonOf(doc) !== undefined) {
      fenced.push(entry);
      index = end;
    }
    for (; index < end; index++) {
      rows.push(rowAt(batch, index, { id, previousDoc, doc }));
      id++;
      previousDoc = doc;
    }
  }
  return { rows, numbers, fenced };
}

function rowAt(
  batch: PackedAppend,
  index: number,
  place: { id: number; previousDoc: number; doc: number },
): JournalRow {
  const { numbers, texts } = batch;
  const at = index * NUMBERS_PER_ROW;
  const from = index * TEXTS_PER_ROW;
  const client = texts[from + 3];
  const asked = client !== undefined;
  return {
    id: place.id,
    previousDoc: place.previousDoc,
    doc: place.doc,
    seq: numeric(numbers[at]),
    epoch: numeric(numbers[at + 1]),
    typeVersion: numeric(numbers[at + 2]),
    kind: numeric(numbers[at + 3]),
    at: numeric(numbers[at + 4]),
    subject: texts[from] ?? "",
    client: client ?? null,
    n: asked ? numeric(numbers[at + 5]) : null,
    low: asked ? numeric(numbers[at + 6]) : null,
    born: asked ? numeric(numbers[at + 7]) : null,
    hash: asked ? numeric(numbers[at + 8]) : null,
    result: texts[from + 4] ?? null,
    operations: texts[from + 1] ?? "",
    events: texts[from + 2] ?? null,
    hidden: null,
  };
}

function numeric(value: number | undefined): number {
  if (value === undefined) throw new InvariantError("a packed append is shorter than it says");
  return value;
}
