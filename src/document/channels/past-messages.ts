// The messages of a channel that were published before, newest first, read from the log page by page. Who may see them
// is decided before; what is older than the channel keeps is not shown, whether or not the disk has let go of it yet.
import type { Json } from "@tidemark/protocol";
import type { ResolvedHistory } from "../definition/resolved-type.js";
import type { LogRow } from "../document-store.js";
import type { PastEvent } from "../documents.js";
import type { Past } from "../history.js";
import type { LookBack } from "./channel-inputs.js";
import type { MessageFilter } from "./message-filter.js";

const DAY_MS = 86_400_000;
const FIRST_ROWS = 16;
const CHUNK_ROWS_MAX = 256;
/** Of events, in one answer or opening; there is always at least one message in it if there is any. */
export const PAGE_BYTES_MAX = 1_048_576;
/** Rows that are looked at for one answer, or one opening. */
export const SCANNED_ROWS_MAX = 1_000;

/** Newest first. `next`: where to go on, as `before`; undefined: there are no more. */
export interface MessagePage {
  readonly messages: readonly PastEvent[];
  readonly next: number | undefined;
}

/** How far back the messages of a channel go. */
export interface Kept {
  readonly history: ResolvedHistory;
  /** Where it begins: what was before, was deleted. */
  readonly since: number;
  /** Unix ms. */
  readonly now: number;
}

/** Reads one page. Rejects when the store does. */
export async function messagesBefore(past: Past, range: LookBack, kept: Kept): Promise<MessagePage> {
  const { oldest, sinceMs } = boundsOf(past.head, kept);
  const messages: PastEvent[] = [];
  let before = Math.min(range.before, past.head + 1);
  let bytes = 0;
  let scanned = 0;
  for (let size = FIRST_ROWS; before > oldest; size = Math.min(size * 2, CHUNK_ROWS_MAX)) {
    if (scanned >= SCANNED_ROWS_MAX) return { messages, next: before };
    const after = Math.max(oldest - 1, before - 1 - size);
    const rows = await rowsBetween(past, after, before);
    scanned += before - 1 - after;
    for (const row of rows.toReversed()) {
      if (row.at < sinceMs) return { messages, next: undefined };
      const event = messageOf(row, range.filter);
      if (event !== undefined) {
        bytes += row.events?.length ?? 0;
        if (messages.length > 0 && (messages.length >= range.limit || bytes > PAGE_BYTES_MAX)) {
          return { messages, next: row.seq + 1 };
        }
        messages.push(event);
      }
      before = row.seq;
    }
    // The log begins here.
    if (rows[0]?.seq !== after + 1) break;
  }
  return { messages, next: undefined };
}

/** The oldest seq that is kept, and since when. */
export function boundsOf(
  head: number,
  { history, since, now }: Kept,
): { readonly oldest: number; readonly sinceMs: number } {
  if (history === "forever") return { oldest: since, sinceMs: Number.NEGATIVE_INFINITY };
  return { oldest: Math.max(since, head - history.deltas + 1), sinceMs: now - history.days * DAY_MS };
}

/** The rows of `(after, before)`; the oldest may be missing. */
async function rowsBetween({ store, ref }: Past, after: number, before: number): Promise<LogRow[]> {
  const rows: LogRow[] = [];
  for (let at = after; at < before - 1; at = rows.at(-1)?.seq ?? before) {
    const page = await store.read(ref, { after: at, limit: before - 1 - at, bytesMax: PAGE_BYTES_MAX });
    if (page.length === 0) break;
    rows.push(...page.filter(({ seq }) => seq < before));
  }
  return rows;
}

/** A transaction of a channel publishes one message at most. */
function messageOf({ seq, at, events }: LogRow, filter: MessageFilter): PastEvent | undefined {
  if (events === undefined) return undefined;
  const [first]: readonly (readonly [string, Json])[] = JSON.parse(events);
  if (first === undefined) return undefined;
  const [name, data] = first;
  return filter.passes(name, data) ? { seq, at, name, data } : undefined;
}
