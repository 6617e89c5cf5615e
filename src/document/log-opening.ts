// What an opening says to those who share a document's log: the rows that follow what they hold, or a snapshot with the
// events in between, whichever is smaller.

import { newestOf } from "./channels/filter-groups.js";
import type { Document } from "./document.js";
import type { Opening, OpenRequest, RefusedAnswer } from "./documents.js";
import { eventsOf, type Missed, replayIsSmaller } from "./opening.js";
import type { Pipeline } from "./pipeline.js";
import type { LogOpening } from "./shared-openings.js";
import type { StateSnapshots } from "./state-snapshots.js";

/** What an opening is made from. */
export interface LogSource {
  readonly document: Document;
  readonly pipeline: Pipeline;
  readonly snapshots: StateSnapshots;
}

/** The opening of somebody who missed this. */
export function logOpening(request: OpenRequest, missed: Missed, source: LogSource): LogOpening {
  const { type } = source.document;
  const { snapshots } = source;
  const { tag } = type;
  const { held } = request;
  if (missed.kind === "rows" && missed.replayable && held !== undefined) {
    const { rows } = missed;
    // A replay of messages leaves frame by frame, as it is taken; with a snapshot they would be one.
    if (rows.length === 0 || type.channel !== undefined || replayIsSmaller(rows, snapshots.size(source))) {
      return { kind: "resume", tag, prev: [missed.prevEpoch, held[1]], missed: rows };
    }
  }
  const past = missed.kind === "rows" ? eventsOf(missed.rows) : [];
  const events = type.channel === undefined ? past : newestOf(past, request);
  return { kind: "reset", tag, snapshot: snapshots.shown(source), events, gap: missed.kind === "gap" };
}

/** The opening of somebody who does not get in. */
export const endedOpening = ({ code, afterMs, data }: RefusedAnswer): Opening => ({
  kind: "ended",
  code,
  ...(afterMs === undefined ? {} : { afterMs }),
  ...(data === undefined ? {} : { data }),
});
