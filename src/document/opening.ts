// Decides how a subscription begins: by the deltas it missed or by a snapshot, whichever is smaller, and what to say
// of events that lie between. Positions are trusted only if the log holds that epoch at that seq (WIRE "Positions").
import { type HeldPosition, type Json, LIMITS } from "@tidemark/protocol";
import type { DocumentRef, DocumentStore, LogRow } from "./document-store.js";
import type { Committed, PastEvent } from "./documents.js";
import { toCommitted } from "./loading.js";
import type { RecentLog } from "./recent-log.js";

/** Everything a document without views knows of a subscriber's position. */
export type Missed =
  /** Nothing is held: a snapshot without any past. */
  | { readonly kind: "nothing" }
  /** The position cannot be verified: a snapshot, and events may be lost. */
  | { readonly kind: "gap" }
  /** The log holds the position, and these rows follow it. `healing`: the state held is wrong all the same. */
  | { readonly kind: "rows"; readonly prevEpoch: number; readonly rows: readonly Committed[]; readonly healing: boolean };

/** The tag of a client that found its own state wrong: it matches nothing. */
const HEALING_TAG = "!";

/** What is known without the disk; undefined: the rows must be read first. */
export function missedInMemory(held: HeldPosition | undefined, head: number, recent: RecentLog): Missed | undefined {
  if (held === undefined) return { kind: "nothing" };
  const [epoch, seq, tag] = held;
  if (seq > head || (tag !== "" && tag !== HEALING_TAG)) return { kind: "gap" };
  const known = recent.epochAt(seq);
  if (known === undefined) return undefined;
  if (known !== epoch) return { kind: "gap" };
  const rows = recent.after(seq);
  return rows === undefined ? undefined : { kind: "rows", prevEpoch: known, rows, healing: tag === HEALING_TAG };
}

/** Rows between an older position and the oldest in memory, read in pages; what is in memory is for the caller to add. */
export async function missedOnDisk(
  held: HeldPosition,
  source: { store: DocumentStore; ref: DocumentRef; revealAuthor: boolean; recent: RecentLog; bytesMax: number },
): Promise<Missed> {
  const [epoch, seq, tag] = held;
  if ((await source.store.epochAt(source.ref, seq)) !== epoch) return { kind: "gap" };
  const rows: LogRow[] = [];
  let after = seq;
  let bytesLeft = source.bytesMax;
  while (source.recent.after(after) === undefined) {
    if (bytesLeft <= 0) return { kind: "gap" };
    const page = await source.store.read(source.ref, { after, limit: PAGE_ROWS, bytesMax: PAGE_BYTES });
    const last = page.at(-1);
    // All that is durable was read; what follows is older than memory reaches, but on its way to the disk.
    if (last === undefined) break;
    if (page[0]?.seq !== after + 1) return { kind: "gap" };
    rows.push(...page);
    bytesLeft -= page.reduce((sum, row) => sum + row.operations.length + (row.events?.length ?? 0), 0);
    after = last.seq;
  }
  const read = toCommitted(rows, epoch, source.revealAuthor);
  return { kind: "rows", prevEpoch: epoch, rows: read, healing: tag === HEALING_TAG };
}

const PAGE_ROWS = 2_000;
const PAGE_BYTES = LIMITS.replayRingBytesMax;

/** Is sending these rows cheaper than sending a snapshot and their events? */
export function replayIsSmaller(rows: readonly Committed[], snapshotBytes: number): boolean {
  let bytes = 0;
  for (const row of rows) {
    bytes += row.operations.length;
    if (bytes > snapshotBytes) return false;
  }
  return true;
}

/** The events of rows, flat. */
export function eventsOf(rows: readonly Committed[]): PastEvent[] {
  const events: PastEvent[] = [];
  for (const { seq, at, events: text } of rows) {
    if (text === undefined) continue;
    const parsed: readonly (readonly [string, Json])[] = JSON.parse(text);
    for (const [name, data] of parsed) events.push({ seq, at, name, data });
  }
  return events;
}
