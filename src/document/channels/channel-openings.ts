// How followers of a channel begin: with some of its newest messages, if they ask for that; with those only that pass their
// filter, if they have one. What is asked for is looked up in memory first, and in the log if memory does not reach back.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../../runtime/runtime.js";
import type { ResolvedType } from "../definition/resolved-type.js";
import type { Document } from "../document.js";
import type { DocumentRef, DocumentStore, StoredPosition } from "../document-store.js";
import type { Audience, Committed, OpenRequest, PastEvent } from "../documents.js";
import type { Missed } from "../opening.js";
import type { Pipeline } from "../pipeline.js";
import type { ViewParams } from "../views/view-params.js";
import { LookBack } from "./channel-inputs.js";
import { beginningOf } from "./channel-type.js";
import { FilterGroups, filterIn } from "./filter-groups.js";
import { boundsOf, type Kept, messagesBefore, SCANNED_ROWS_MAX } from "./past-messages.js";

/** What openings of a channel need. */
export interface ChannelOpeningsParts {
  readonly type: ResolvedType;
  readonly audience: Audience;
  readonly store: DocumentStore;
  readonly runtime: Runtime;
}

/** What a follower asks for besides what everybody gets. */
export interface Wish {
  /** Its filter, as it asks for it; undefined: every message. */
  readonly filter: ViewParams | undefined;
  /** How many of the newest messages it begins with. */
  readonly count: number;
}

/** Where it is asked for. */
interface Source {
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

  /** The newest messages; undefined: memory does not reach back so far. */
  inMemory({ filter, count }: Wish, { document, pipeline }: Source): Missed | undefined {
    const { head, recent } = pipeline;
    const { oldest, sinceMs } = boundsOf(head.seq, this.#kept(document));
    const rows = recent.after(Math.max(oldest - 1, head.seq - (filter === undefined ? count : SCANNED_ROWS_MAX)));
    return rows === undefined
      ? undefined
      : missedOf(
          rows.filter(({ at }) => at >= sinceMs),
          head,
        );
  }

  /** The same from the log, up to what is durable. Rejects when the store does. */
  async inLog({ filter, count }: Wish, { document, pipeline, ref }: Source): Promise<Missed> {
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
