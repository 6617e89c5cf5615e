// Says what a server was doing at each event of a trace, from the pages it wrote: so that cuts can be spread over all
// of it, and a run that never folded is not taken for one that survived folds.
import Database from "better-sqlite3";
import type { TraceEvent } from "./trace.js";

/** `commit`: a group of calls. `fold`, `snapshot`: a transaction that wrote those tables. `checkpoint`: the log's pages
 * move to the main file. `setup`: before the write-ahead log was there. */
export type Phase = "setup" | "commit" | "fold" | "snapshot" | "checkpoint";
export const PHASES: readonly Phase[] = ["setup", "commit", "fold", "snapshot", "checkpoint"];

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Which table or index each page of a database belongs to. */
export function pageOwners(database: string): ReadonlyMap<number, string> {
  const db = new Database(database);
  const owners = new Map<number, string>();
  for (const row of db.prepare("SELECT name, pageno FROM dbstat").raw().iterate()) {
    if (!Array.isArray(row)) continue;
    owners.set(Number(row[1]), String(row[0]));
  }
  db.close();
  return owners;
}

/** Page number and commit mark of a frame header's write; undefined for other writes. */
function frameOf(event: TraceEvent): { readonly page: number; readonly commits: boolean } | undefined {
  if (event.kind !== "write" || event.file !== "wal") return undefined;
  if (event.bytes.length !== FRAME_HEADER_BYTES || event.offset < WAL_HEADER_BYTES) return undefined;
  return { page: event.bytes.readUInt32BE(0), commits: event.bytes.readUInt32BE(4) !== 0 };
}

/** The phase of each event. A transaction is known by its last frame, so its events are labelled when that is met. */
export function phasesOf(trace: readonly TraceEvent[], owners: ReadonlyMap<number, string>): readonly Phase[] {
  const phases: Phase[] = [];
  let current: Phase = "setup";
  let tables = new Set<string>();
  let transactionStart = 0;
  let inTransaction = false;
  trace.forEach((event, index) => {
    const frame = frameOf(event);
    if (frame !== undefined) {
      if (!inTransaction) transactionStart = index;
      inTransaction = !frame.commits;
      tables.add(owners.get(frame.page) ?? "");
      current = tables.has("segments") ? "fold" : tables.has("snapshots") ? "snapshot" : "commit";
      phases.fill(current, transactionStart);
      if (frame.commits) tables = new Set();
    } else if (event.kind === "write" && event.file === "main" && current !== "setup") current = "checkpoint";
    phases.push(current);
  });
  return phases;
}
