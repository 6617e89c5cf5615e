// Decides how a subscription begins: by the deltas it missed or by a snapshot, whichever is smaller, and what to say
// of events that lie between. Positions are trusted only if the log holds that epoch at that seq (WIRE "Positions").
import { type HeldPosition, type Json, LIMITS } from "@tidemark/protocol";
import type { DocumentRef, DocumentStore, LogRow, StoredPosition } from "./document-store.js";
import type { Committed, PastEvent } from "./documents.js";
import { type Shown, toCommitted } from "./loading.js";
import type { RecentLog } from "./recent-log.js";

/** Everything a document without views knows of a subscriber's position. */
export type Missed =
  /** Nothing is held: a snapshot without any past. */
  | { readonly kind: "nothing" }
  /** The position cannot be verified: a snapshot, and events may be lost. */
  | { readonly kind: "gap" }
  | MissedRows;

/** The log holds the position, and these rows follow it. */
export interface MissedRows {
  readonly kind: "rows";
  readonly prevEpoch: number;
  readonly rows: readonly Committed[];
  /** Seq up to which the rows reach. */
  readonly through: number;
  /** False when the rows cannot bring the subscriber up to date: its state is wrong or another view's, or there are so
   * many rows that only those with events are here. */
  readonly replayable: boolean;
}

/** How much of the log one opening may hold in memory: of operations, and of events. */
const MISSED_BYTES_MAX = 16 * 1_048_576;
const PAGE_ROWS = 2_000;
const PAGE_BYTES = LIMITS.replayRingBytesMax;

/** What is known without the disk; undefined: the rows must be read first. `tag` is that of the document's positions;
 * clients that found their own state wrong say `!`, which matches nothing. */
export function missedInMemory(
  held: HeldPosition | undefined,
  { head, recent }: { readonly head: StoredPosition; readonly recent: RecentLog },
  ownTag: string,
): Missed | undefined {
  if (held === undefined) return { kind: "nothing" };
  const [epoch, seq, tag] = held;
  if (seq > head.seq) return { kind: "gap" };
  const known = recent.epochAt(seq);
  if (known === undefined) return undefined;
  if (known !== epoch) return { kind: "gap" };
  const rows = recent.after(seq);
  if (rows === undefined) return undefined;
  return { kind: "rows", prevEpoch: known, rows, through: head.seq, replayable: tag === ownTag };
}

/** Where missed rows are read. */
export interface MissedSource {
  readonly store: DocumentStore;
  readonly ref: DocumentRef;
  readonly type: Shown & { readonly tag: string };
  readonly recent: RecentLog;
  readonly bytesMax?: number;
  /** Only rows that it is true of are given. */
  readonly wants?: ((row: Committed) => boolean) | undefined;
}

/** Rows between an older position and the oldest in memory, read in pages; what is in memory is for the caller to add. */
export async function missedOnDisk(held: HeldPosition, source: MissedSource): Promise<Missed> {
  const [epoch, seq, tag] = held;
  const { store, ref, recent, type, bytesMax = MISSED_BYTES_MAX, wants } = source;
  if ((await store.epochAt(ref, seq)) !== epoch) return { kind: "gap" };
  let rows: Committed[] = [];
  let through: StoredPosition = { seq, epoch };
  let eventsOnly = false;
  let bytesLeft = bytesMax;
  while (recent.after(through.seq) === undefined) {
    const page = await store.read(ref, { after: through.seq, limit: PAGE_ROWS, bytesMax: PAGE_BYTES });
    const last = page.at(-1);
    // All that is durable was read; what follows is older than memory reaches, but on its way to the disk.
    if (last === undefined) break;
    if (page[0]?.seq !== through.seq + 1) return { kind: "gap" };
    const read = toCommitted(page, through.epoch, type);
    const wanted = wants === undefined ? read : read.filter(wants);
    rows = rows.concat(eventsOnly ? withEvents(wanted) : wanted);
    bytesLeft -= page.reduce((sum, row) => sum + bytesOf(row, !eventsOnly), 0);
    through = { seq: last.seq, epoch: last.epoch };
    if (bytesLeft > 0) continue;
    // Too much to replay: from here on only the events count, and they have the same bound.
    if (eventsOnly) return { kind: "gap" };
    eventsOnly = true;
    rows = withEvents(rows);
    bytesLeft = bytesMax - rows.reduce((sum, row) => sum + bytesOf(row, false), 0);
  }
  return { kind: "rows", prevEpoch: epoch, rows, through: through.seq, replayable: tag === type.tag && !eventsOnly };
}

/** Adds what is in memory to what was read; undefined: memory no longer reaches back that far. */
export function withRecent(missed: Missed, head: number, recent: RecentLog): Missed | undefined {
  if (missed.kind !== "rows") return missed;
  const rest = recent.after(missed.through);
  return rest === undefined ? undefined : { ...missed, rows: missed.rows.concat(rest), through: head };
}

/** What a delta is sent in besides its operations: its type, handle, two seqs, time and punctuation. */
const ENVELOPE_BYTES = 48;

/** So little is a packet either way, and a replay asks less of whoever gets it. */
const TRIFLE_BYTES = 256;

/** A state that could be sent instead of deltas. */
export interface SnapshotSize {
  /** Known without making it: no less than this (unless much was removed since it was measured), no more than that. */
  readonly atLeast: number;
  readonly atMost: number;
  /** Its length; costs the making of it, which all who reset there share. */
  readonly bytes: () => number;
}

/** Is sending these deltas no dearer than sending a snapshot? Events are sent either way. */
export function replayIsSmaller(deltas: readonly { readonly operations: string }[], snapshot: SnapshotSize): boolean {
  let bytes = 0;
  for (const { operations } of deltas) {
    bytes += Buffer.byteLength(operations) + ENVELOPE_BYTES;
    if (bytes > snapshot.atMost && bytes > TRIFLE_BYTES) return false;
  }
  return bytes <= TRIFLE_BYTES || bytes <= snapshot.atLeast || bytes <= snapshot.bytes();
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

const withEvents = (rows: readonly Committed[]): Committed[] =>
  rows.filter(({ events }) => events !== undefined).map((row) => ({ ...row, operations: "[]" }));

const bytesOf = ({ operations, events }: Pick<LogRow, "operations" | "events">, all: boolean): number =>
  (all ? operations.length : 0) + (events?.length ?? 0);
