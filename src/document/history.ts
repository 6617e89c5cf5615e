// The past of a document, read from the log: pages of it as RFC 6902, and its state at an older seq. Everything here
// works on durable rows; who may see them is decided before.
import { applyPatch, type Json, type PatchOperation, toJsonPatch } from "@tidemark/protocol";
import type { DocumentRef, DocumentStore, LogRow, StoredSnapshot } from "./document-store.js";
import { replay, type Shown, snapshotState } from "./loading.js";

const PAGE_BYTES_MAX = 1_048_576;
const READ_ROWS = 1_000;

/** Where to look. The snapshot is the newest one the store had when the document was loaded, or a later one. */
export interface Past {
  readonly store: DocumentStore;
  readonly ref: DocumentRef;
  readonly head: number;
  readonly snapshot: StoredSnapshot | undefined;
}

/** A transaction for somebody who looks back. `by` only when the type reveals authors. */
export interface LogPageEntry {
  readonly epoch: number;
  readonly seq: number;
  readonly at: number;
  readonly patch: Json;
  readonly events: Json;
  readonly by?: string;
}

/** The state at `seq`, undefined in it when there was no document then; undefined when the log no longer reaches back. */
export async function stateAt(
  past: Past,
  seq: number,
): Promise<{ readonly state: Json | undefined; readonly epoch: number } | undefined> {
  const usable = past.snapshot !== undefined && past.snapshot.seq <= seq ? past.snapshot : undefined;
  let state = snapshotState(usable);
  let at = usable?.seq ?? 0;
  let epoch = usable?.epoch ?? 0;
  while (at < seq) {
    const rows = await past.store.read(past.ref, { after: at, limit: READ_ROWS, bytesMax: PAGE_BYTES_MAX });
    const wanted = rows.filter((row) => row.seq <= seq);
    const last = wanted.at(-1);
    if (last === undefined || wanted[0]?.seq !== at + 1) return undefined;
    state = replay(state, wanted);
    at = last.seq;
    epoch = last.epoch;
  }
  return { state, epoch };
}

/** Rows after `after`, oldest first; undefined when the log is trimmed past it. */
export async function page(
  past: Past,
  range: { after: number; limit: number },
  shown: Shown,
): Promise<readonly LogPageEntry[] | undefined> {
  if (range.after >= past.head) return [];
  const rows = await past.store.read(past.ref, { ...range, bytesMax: PAGE_BYTES_MAX });
  if (rows[0]?.seq !== range.after + 1) return undefined;
  const needsState = rows.some((row) => row.operations.includes('["~",'));
  const base = needsState && range.after > 0 ? await stateAt(past, range.after) : undefined;
  if (needsState && range.after > 0 && base === undefined) return undefined;
  return entries(rows, { ...shown, state: base?.state ?? null, needsState });
}

function entries(
  rows: readonly LogRow[],
  from: Shown & { readonly state: Json; readonly needsState: boolean },
): LogPageEntry[] {
  const { needsState, revealAuthor, hidden } = from;
  let { state } = from;
  return rows.map((row) => {
    const operations: readonly PatchOperation[] = JSON.parse(hidden?.operationsJson(row.operations) ?? row.operations);
    const patch = toJsonPatch(state, operations);
    if (needsState && operations.length > 0) state = applyPatch(state, operations);
    const events: readonly (readonly [string, Json])[] = row.events === undefined ? [] : JSON.parse(row.events);
    return {
      epoch: row.epoch,
      seq: row.seq,
      at: row.at,
      patch: patch as unknown as Json,
      events: events.map(([name, data]) => ({ name, data })),
      ...(revealAuthor && row.subject !== "" ? { by: row.subject } : {}),
    };
  });
}
