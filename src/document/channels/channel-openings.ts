// How followers of a channel begin: with some of its newest messages, if they ask for that; with those only that pass their
// filter, if they have one. What is asked for is looked up in memory first, and in the log if memory does not reach back.
import { type HeldPosition, LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../../runtime/runtime.js";
import type { ResolvedType } from "../definition/resolved-type.js";
import type { Document } from "../document.js";
import type { DocumentFigures } from "../document-figures.js";
import type { DocumentRef, DocumentStore, StoredPosition } from "../document-store.js";
import type { Audience, Committed, OpenRequest, PastEvent } from "../documents.js";
import { eventsOf, type Missed, missedInMemory, missedOnDisk } from "../opening.js";
import type { Pipeline } from "../pipeline.js";
import type { ViewParams } from "../views/view-params.js";
import { LookBack } from "./channel-inputs.js";
import { beginningOf } from "./channel-type.js";
import { FilterGroups, filterIn } from "./filter-groups.js";
import { boundsOf, type Kept, messagesBefore, PAGE_BYTES_MAX, SCANNED_ROWS_MAX } from "./past-messages.js";

/** What openings of a channel need. */
export interface ChannelOpeningsParts {
  readonly type: ResolvedType;
  readonly audience: Audience;
  readonly store: DocumentStore;
  readonly runtime: Runtime;
  readonly figures: DocumentFigures;
}

/** What a follower asks for besides what everybody gets. */
export interface Wish {
  /** Its filter, as it asks for it; undefined: every message. */
  readonly filter: ViewParams | undefined;
  /** How many of the newest messages it begins with. */
  readonly count: number;
}

/** Where it is asked for. */
export interface Source {
  readonly document: Document;
  readonly pipeline: Pipeline;
  readonly ref: DocumentRef;
}

const NOTHING_SPECIAL: Wish = { filter: undefined, count: 0 };

/** The beginnings of one channel's followers. */
export class ChannelOpenings {
  readonly groups: FilterGroups;
  readonly #parts: ChannelOpeningsParts;

  constructor(parts: ChannelOpeningsParts) {
    this.#parts = parts;
    this.groups = new FilterGroups(parts.audience);
  }

  wishOf({ held, last = 0 }: OpenRequest, params: ViewParams): Wish {
    const filter = filterIn(params) === undefined ? undefined : params;
    if (filter === undefined && (held !== undefined || last === 0)) return NOTHING_SPECIAL;
    return { filter, count: held === undefined ? Math.min(last, LIMITS.lastMessagesMax) : 0 };
  }

  /** What somebody is told of the past, from memory or else from the log. Rejects when the store does. */
  search(held: HeldPosition | undefined, wish: Wish, source: Source): Promise<Missed> {
    const found = held === undefined ? this.#newestInMemory(wish, source) : this.#sinceInMemory(held, wish, source);
    if (found !== undefined) return Promise.resolve(found);
    this.#parts.figures.count("logReads");
    return held === undefined ? this.#newestInLog(wish, source) : this.#sinceInLog(held, wish, source);
  }

  #sinceInMemory(held: HeldPosition, { filter }: Wish, { document, pipeline }: Source): Missed | undefined {
    const missed = missedInMemory(held, pipeline, document.type.tag);
    return missed?.kind === "rows" ? { ...missed, rows: missed.rows.filter(wantedBy(filter)) } : missed;
  }

  #sinceInLog(held: HeldPosition, { filter }: Wish, { document, pipeline, ref }: Source): Promise<Missed> {
    const { type } = document;
    const { store } = this.#parts;
    return missedOnDisk(held, { store, ref, recent: pipeline.recent, type, wants: wantedBy(filter) });
  }

  #newestInMemory({ filter, count }: Wish, { document, pipeline }: Source): Missed | undefined {
    const { head, recent } = pipeline;
    const { oldest, sinceMs } = boundsOf(head.seq, this.#kept(document));
    const rows = recent.after(Math.max(oldest - 1, head.seq - (filter === undefined ? count : SCANNED_ROWS_MAX)));
    if (rows === undefined) return undefined;
    const wants = wantedBy(filter);
    const newest: Committed[] = [];
    let bytes = 0;
    for (const row of rows.toReversed()) {
      if (row.at < sinceMs || newest.length >= count) break;
      if (!wants(row)) continue;
      bytes += row.events?.length ?? 0;
      if (newest.length > 0 && bytes > PAGE_BYTES_MAX) break;
      newest.push(row);
    }
    return missedOf(newest.reverse(), head);
  }

  /** Up to what is durable. */
  async #newestInLog({ filter, count }: Wish, { document, pipeline, ref }: Source): Promise<Missed> {
    const { seq, epoch } = pipeline.durablePosition;
    const past = { store: this.#parts.store, ref, head: seq, snapshot: undefined };
    const passing = filter === undefined ? undefined : filterIn(filter);
    const asked = new LookBack({ limit: count, ...(passing === undefined ? {} : { filter: passing }) });
    const { messages } = await messagesBefore(past, asked, this.#kept(document));
    const rows = messages.toReversed().map((message) => rowOf(message, epoch));
    return missedOf(rows, { seq, epoch });
  }

  #kept(document: Document): Kept {
    const { type, runtime } = this.#parts;
    return { history: type.history, since: document.read(beginningOf), now: runtime.now() };
  }
}

/** Is the past searched for it? */
export const isSearched = ({ filter, count }: Wish, held: HeldPosition | undefined): boolean =>
  count > 0 || (filter !== undefined && held !== undefined);

/** Has a row of the log what a filter lets pass? A transaction of a channel has one message at most. */
function wantedBy(filter: ViewParams | undefined): (row: Committed) => boolean {
  const passing = filter === undefined ? undefined : filterIn(filter);
  if (passing === undefined) return ({ events }) => events !== undefined;
  return (row) => eventsOf([row]).some(({ name, data }) => passing.passes(name, data));
}

/** They come with a snapshot, since nothing was held that they could follow. */
const missedOf = (rows: readonly Committed[], { seq, epoch }: StoredPosition): Missed => ({
  kind: "rows",
  prevEpoch: epoch,
  rows,
  through: seq,
  replayable: false,
});

const rowOf = ({ seq, at, name, data }: PastEvent, epoch: number): Committed => ({
  epoch,
  previousEpoch: epoch,
  seq,
  at,
  operations: "[]",
  events: JSON.stringify([[name, data]]),
  by: undefined,
});
