// The followers of one document: whom it answers an opening, who is attached, and who loses the right to be. The
// audience gets the deltas; this file owns the beginnings and the ends.
import type { ErrorCode, HeldPosition } from "@tidemark/protocol";
import { type Access, ANY_PART } from "./access.js";
import type { Document } from "./document.js";
import type { DocumentRef, DocumentStore } from "./document-store.js";
import type { Follower, Opening, RefusedAnswer, Snapshot } from "./documents.js";
import { eventsOf, type Missed, missedInMemory, missedOnDisk, replayIsSmaller } from "./opening.js";
import type { Pipeline } from "./pipeline.js";
import { GatedEnd, GatedOpening, GatedRetry, type OpenWork } from "./work.js";

/** How much of the log one opening may read from the disk. */
const MISSED_BYTES_MAX = 16 * 1_048_576;

/** What a live host lends for one opening. */
export interface OpeningSource {
  readonly document: Document;
  readonly pipeline: Pipeline;
  readonly store: DocumentStore;
  readonly ref: DocumentRef;
}

/** Followers of one document, from the moment their opening is asked for. */
export class Following {
  readonly #access: Access;
  readonly #followers = new Set<Follower>();
  readonly #partsRead = new Set<string>();
  #snapshot: Snapshot | undefined;
  #reading = 0;

  constructor(access: Access) {
    this.#access = access;
  }

  /** How many follow or are about to. */
  get size(): number {
    return this.#followers.size;
  }

  /** How many openings read the log now. */
  get reading(): number {
    return this.#reading;
  }

  /** Asks the type's `canOpen`; what it reads is remembered. */
  allows(document: Document, follower: Follower): boolean {
    return this.#access.mayOpen(document, follower.caller.principal, (part) => this.#partsRead.add(part));
  }

  /** Begins to follow. `again` is called instead when the source has gone in between. */
  begin(work: OpenWork, source: OpeningSource, again: (work: OpenWork) => void): void {
    const { held, follower } = work.request;
    this.#followers.add(follower);
    const missed = missedInMemory(held, source.pipeline.head.seq, source.pipeline.recent);
    if (missed !== undefined) return this.#open(work, source, missed);
    if (held !== undefined) this.#openFromDisk(work, { held, source, again });
  }

  /** Tells a follower that it does not get in, once what that rests on is durable. */
  refuse(work: OpenWork, { code, afterMs }: RefusedAnswer, pipeline: Pipeline): void {
    const { follower } = work.request;
    this.#followers.add(follower);
    const opening: Opening = { kind: "ended", code, ...(afterMs === undefined ? {} : { afterMs }) };
    pipeline.push(new GatedOpening(pipeline.head.seq, work, opening, () => this.#followers.delete(follower)));
  }

  /** Forgets a follower; it hears nothing more. */
  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** Ends everybody who follows now. */
  endAll(code: ErrorCode): void {
    this.#end([...this.#followers], code);
  }

  /** Ends everybody who follows now, once the disk has reached `seq`. */
  endAllAt(seq: number, code: ErrorCode, pipeline: Pipeline): void {
    const followers = [...this.#followers];
    pipeline.push(new GatedEnd(seq, () => this.#end(followers, code)));
  }

  /** A transaction was executed: whoever may not follow any more is ended before it is delivered. `parts`: the
   * top-level parts of the state it wrote. */
  wrote(parts: () => ReadonlySet<string>, document: Document, pipeline: Pipeline): void {
    if (this.#partsRead.size === 0 || this.#followers.size === 0 || !this.#touches(parts())) return;
    const denied = [...this.#followers].filter((follower) => !this.allows(document, follower));
    if (denied.length === 0) return;
    pipeline.push(new GatedEnd(pipeline.head.seq, () => this.#end(denied, "denied")));
  }

  /** The state may have become any other: everybody is asked again. */
  recheck(document: Document): void {
    this.#end([...this.#followers].filter((follower) => !this.allows(document, follower)), "denied");
  }

  /** The state in memory, serialised once per head and shared. */
  snapshot({ document, pipeline }: Pick<OpeningSource, "document" | "pipeline">): Snapshot {
    const { seq, epoch } = pipeline.head;
    if (this.#snapshot === undefined || this.#snapshot.seq !== seq || this.#snapshot.epoch !== epoch) {
      this.#snapshot = { seq, epoch, stateJson: document.stateJson() };
    }
    return this.#snapshot;
  }

  /** About what a snapshot would take: measured at the last one. */
  #snapshotBytes(source: OpeningSource): number {
    return (this.#snapshot ?? this.snapshot(source)).stateJson.length;
  }

  #touches(parts: ReadonlySet<string>): boolean {
    if (this.#partsRead.has(ANY_PART) || parts.has(ANY_PART)) return true;
    for (const part of parts) if (this.#partsRead.has(part)) return true;
    return false;
  }

  #end(followers: readonly Follower[], code: ErrorCode): void {
    for (const follower of followers) if (this.#followers.delete(follower)) follower.ended(code);
  }

  #openFromDisk(work: OpenWork, { held, source, again }: DiskOpening): void {
    const { store, ref, pipeline, document } = source;
    const from = { store, ref, recent: pipeline.recent, revealAuthor: document.type.revealAuthor, bytesMax: MISSED_BYTES_MAX };
    this.#reading += 1;
    missedOnDisk(held, from)
      .then(
        (missed) => withRecent(missed, held[1], pipeline),
        // The store is recovering, or failing for good: an error is no evidence of a gap.
        () => undefined,
      )
      .then((missed) => {
        this.#reading -= 1;
        if (missed !== undefined) this.#open(work, source, missed);
        else if (pipeline.isDead) again(work);
        else pipeline.push(new GatedRetry(pipeline.head.seq, work, again));
      })
      .catch(() => this.refuse(work, { code: "internal" }, pipeline));
  }

  #open(work: OpenWork, source: OpeningSource, missed: Missed): void {
    const { pipeline } = source;
    const opening = this.#opening(source, missed, work.request.held);
    pipeline.push(new GatedOpening(pipeline.head.seq, work, opening, (follower) => this.#followers.has(follower)));
  }

  #opening(source: OpeningSource, missed: Missed, held: HeldPosition | undefined): Opening {
    if (missed.kind === "rows" && !missed.healing && held !== undefined) {
      if (missed.rows.length === 0 || replayIsSmaller(missed.rows, this.#snapshotBytes(source))) {
        return { kind: "resume", prev: [missed.prevEpoch, held[1]], missed: missed.rows };
      }
    }
    const events = missed.kind === "rows" ? eventsOf(missed.rows) : [];
    return { kind: "reset", snapshot: this.snapshot(source), events, gap: missed.kind === "gap" };
  }
}

interface DiskOpening {
  readonly held: HeldPosition;
  readonly source: OpeningSource;
  readonly again: (work: OpenWork) => void;
}

/** Adds what is in memory to what was read; undefined: it has moved on too far, or is lost. */
function withRecent(missed: Missed, held: number, pipeline: Pipeline): Missed | undefined {
  if (pipeline.isDead) return undefined;
  if (missed.kind !== "rows") return missed;
  const rest = pipeline.recent.after(missed.rows.at(-1)?.seq ?? held);
  return rest === undefined ? undefined : { ...missed, rows: missed.rows.concat(rest) };
}
