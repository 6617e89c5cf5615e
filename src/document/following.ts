// The followers of one document: whom it answers an opening, who is attached, and who loses the right to be. The
// audience gets the deltas; this file owns the beginnings and the ends.
import type { ErrorCode, HeldPosition, PatchOperation } from "@tidemark/protocol";
import { type Access, ANY_PART, partsWritten } from "./access.js";
import { passingPast } from "./channels/filter-groups.js";
import type { Applied, Document } from "./document.js";
import type { DocumentRef, StoredPosition } from "./document-store.js";
import type { Follower, RefusedAnswer } from "./documents.js";
import { endedOpening, logOpening } from "./log-opening.js";
import type { Members } from "./members.js";
import { MissedSearch, type MissedSearchParts } from "./missed-search.js";
import { type Missed, withRecent } from "./opening.js";
import type { Pipeline } from "./pipeline.js";
import { SeldomMap } from "./seldom-map.js";
import { type LogOpening, SharedOpenings } from "./shared-openings.js";
import { type LoadedDocument, StateSnapshots } from "./state-snapshots.js";
import type { DocumentViews } from "./views/document-views.js";
import { type ViewParams, viewParams } from "./views/view-params.js";
import { basisOf } from "./views/view-plan.js";
import { GatedEnd, GatedOpening, GatedStep, GatedTask, type OpenWork } from "./work.js";

/** What a live host lends for one opening. */
export interface OpeningSource {
  readonly document: Document;
  readonly pipeline: Pipeline;
  readonly ref: DocumentRef;
  /** The opening itself created the document. */
  readonly created: boolean;
  /** What was read for it since it began. */
  readonly read: Missed | undefined;
}

/** What following needs besides. */
export interface FollowingParts extends MissedSearchParts {
  readonly access: Access;
  /** Undefined: followers share the log. */
  readonly views: DocumentViews | undefined;
  /** Undefined: it does not keep who is here. */
  readonly members: Members | undefined;
}

/** `expected`: its request waits. `begun`: its opening is being made or waits at the gate. `attached`: it was opened. */
type Stage = "expected" | "begun" | "attached";

/** Followers of one document, from the moment their opening is asked for. */
export class Following {
  readonly snapshots: StateSnapshots;
  readonly #parts: FollowingParts;
  readonly #views: DocumentViews | undefined;
  readonly #followers = new SeldomMap<Follower, Stage>();
  /** Undefined: none. */
  #partsRead: Set<string> | undefined;
  readonly #search: MissedSearch;
  /** Undefined until somebody came back. */
  #shared: SharedOpenings | undefined = undefined;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    this.#views = parts.views;
    this.#search = new MissedSearch(parts);
    this.snapshots = new StateSnapshots(parts.figures);
  }

  /** How many follow or are about to. */
  get size(): number {
    return this.#followers.size;
  }

  /** A follower asked to be opened. */
  expect(follower: Follower): void {
    this.#followers.set(follower, "expected");
  }

  /** False when it has left or was ended. */
  has(follower: Follower): boolean {
    return this.#followers.has(follower);
  }

  /** Asks the type's `canOpen`; what it reads is remembered. */
  allows(document: Document, follower: Follower): boolean {
    const { access } = this.#parts;
    const views = this.#views;
    if (views?.isReady === true) return this.#mayView(views, follower);
    return access.mayOpen(document, follower.caller, (part) => this.#reads(part));
  }

  /** Makes the opening of somebody who may follow. */
  begin(work: OpenWork, source: OpeningSource): void {
    const { follower, params } = work.request;
    const { pipeline, read } = source;
    this.#followers.set(follower, "begun");
    const checked = this.#views === undefined ? viewParams(source.document.type, params) : undefined;
    if (checked?.ok === false) return this.refuse(work, checked.refusal, pipeline);
    const wish = checked === undefined ? undefined : this.#parts.channel?.wishOf(work.request, checked.params);
    const held = this.#basis(work);
    const shared = wish?.filter === undefined ? this.#sharedOpening(held, pipeline) : undefined;
    if (shared !== undefined) return this.#answer(work, source, shared);
    const known = read === undefined ? undefined : withRecent(read, pipeline.head.seq, pipeline.recent);
    const missed = known ?? this.#search.atHand(held, source, wish);
    if (missed !== undefined) return this.#open(work, source, { missed, filter: wish?.filter });
    if (read === undefined) {
      const isAwaited = (): boolean => this.#followers.has(follower);
      return this.#search.lookUp(work, source, { held, wish, isAwaited });
    }
    // Rows that memory no longer holds and the disk does not hold yet: there is no way before they are durable.
    const again = (): void => this.#parts.proceed(work, undefined, pipeline);
    pipeline.push(new GatedTask(pipeline.head.seq, again, work));
  }

  /** Tells a follower that it does not get in, once what that rests on is durable. */
  refuse(work: OpenWork, answer: RefusedAnswer, pipeline: Pipeline): void {
    this.#followers.set(work.request.follower, "begun");
    const opening = endedOpening(answer);
    const admits = (follower: Follower): boolean => this.#forget(follower);
    pipeline.push(new GatedOpening(pipeline.head.seq, work, { opening, applied: false, admits }));
  }

  /** Refuses an opening at once: it rests on nothing in memory. */
  refuseNow({ request: { follower } }: OpenWork, answer: RefusedAnswer): void {
    if (this.#forget(follower)) follower.opened(endedOpening(answer));
  }

  /** Forgets a follower; it hears nothing more. */
  leave(follower: Follower): void {
    this.#forget(follower);
  }

  /** The follower's caller has other rights: it may lose its stream, or see another view. `loaded` is undefined while the
   * document is loaded again, after which all who share the log are asked anyway. */
  refreshed(follower: Follower, loaded: LoadedDocument | undefined): void {
    const views = this.#views;
    const stage = this.#followers.get(follower);
    // Whoever is not attached to a view is asked when it is.
    if (views !== undefined && stage === "attached") return this.#refreshView(views, follower);
    if (views !== undefined || stage === undefined || loaded === undefined) return;
    const { document, pipeline } = loaded;
    if (this.allows(document, follower)) return;
    pipeline.push(new GatedStep(pipeline.head.seq, () => this.#end([follower], "denied")));
  }

  /** The document was loaded again: what was computed is worthless, and openings that were under way start again. */
  reloaded(): void {
    this.changed();
    this.#search.reset();
    this.#views?.reloaded();
    for (const [follower, stage] of this.#followers) if (stage === "begun") this.#followers.set(follower, "expected");
  }

  /** Ends everybody who is attached. */
  endAll(code: ErrorCode): void {
    this.#end(this.#at("attached"), code);
    this.#views?.reset();
  }

  /** The document is deleted by the transaction at the head: ends everybody who follows now before it is delivered. */
  deleted(pipeline: Pipeline): void {
    this.changed();
    this.#parts.members?.clear();
    const views = this.#views;
    views?.doom();
    const followers = this.#at("attached", "begun");
    const end = (): void => {
      this.#end(followers, "deleted");
      views?.reset();
    };
    pipeline.push(new GatedEnd(pipeline.head.seq, end));
  }

  /** A transaction was executed: whoever may not follow any more is ended before it is delivered. */
  wrote(applied: Applied, document: Document, pipeline: Pipeline): void {
    this.changed();
    // Views ask when they are released.
    if (this.#views !== undefined) return;
    if (
      this.#partsRead === undefined ||
      this.#followers.size === 0 ||
      !this.#touches(this.#partsRead, applied.operations)
    )
      return;
    const denied = this.#at("attached", "begun").filter((follower) => !this.allows(document, follower));
    if (denied.length === 0) return;
    pipeline.push(new GatedEnd(pipeline.head.seq, () => this.#end(denied, "denied")));
  }

  /** The state in memory is another one. */
  changed(): void {
    this.snapshots.changed();
    this.#shared?.forget();
  }

  /** The state may have become any other: all who are attached are asked again. */
  recheck(document: Document): void {
    if (this.#views !== undefined) return;
    this.#end(
      this.#at("attached").filter((follower) => !this.allows(document, follower)),
      "denied",
    );
  }

  /** What `canOpen` read of the durable state was written: ends those who may not follow any more. */
  recheckViews(): void {
    const views = this.#views;
    if (views === undefined) return;
    this.#end(
      this.#at("attached").filter((follower) => !this.#mayView(views, follower)),
      "denied",
    );
  }

  /** Ends one follower, for a reason of its view's. */
  endOne(follower: Follower, code: ErrorCode): void {
    this.#end([follower], code);
  }

  #at(...stages: readonly Stage[]): Follower[] {
    return [...this.#followers].flatMap(([follower, stage]) => (stages.includes(stage) ? [follower] : []));
  }

  #reads(part: string): void {
    this.#partsRead ??= new Set();
    this.#partsRead.add(part);
  }

  #touches(partsRead: ReadonlySet<string>, operations: readonly PatchOperation[]): boolean {
    if (partsRead.has(ANY_PART)) return true;
    for (const part of partsWritten(operations)) if (part === ANY_PART || partsRead.has(part)) return true;
    return false;
  }

  #end(followers: readonly Follower[], code: ErrorCode): void {
    for (const follower of followers) if (this.#forget(follower)) follower.ended(code);
  }

  #forget(follower: Follower): boolean {
    const was = this.#followers.delete(follower);
    this.#views?.leave(follower);
    this.#parts.channel?.groups.leave(follower);
    this.#parts.members?.gone(follower);
    return was;
  }

  #mayView(views: DocumentViews, follower: Follower): boolean {
    return views.asks((state) => this.#parts.access.mayOpenAt(state, follower.caller));
  }

  /** What the log is asked about. */
  #basis({ request: { held, heldMine } }: OpenWork): HeldPosition | undefined {
    return this.#views === undefined ? held : basisOf([held, heldMine]);
  }

  #open(work: OpenWork, source: OpeningSource, { missed, filter }: Found): void {
    const { held } = work.request;
    if (this.#views !== undefined) return this.#openView(this.#views, work, { source, missed });
    if (filter !== undefined) return this.#openFiltered(work, source, { missed, filter });
    const { document, pipeline } = source;
    const opening = logOpening(work.request, missed, { document, pipeline, snapshots: this.snapshots });
    if (held !== undefined) this.#keep(held, source.pipeline.head, opening);
    this.#answer(work, source, opening);
  }

  /** What it has in common with all who come back from the same position to the same head. */
  #sharedOpening(held: HeldPosition | undefined, { head }: Pipeline): LogOpening | undefined {
    return held === undefined || this.#views !== undefined ? undefined : this.#shared?.find(held, head);
  }

  #keep(held: HeldPosition, head: StoredPosition, opening: LogOpening): void {
    this.#shared ??= new SharedOpenings(this.#parts.runtime);
    this.#shared.keep(held, head, opening);
  }

  #answer(work: OpenWork, { pipeline, created: applied }: OpeningSource, opening: LogOpening): void {
    this.#parts.figures.count(opening.kind === "resume" ? "resumed" : "reset");
    pipeline.push(new GatedOpening(pipeline.head.seq, work, { opening, applied, admits: this.#attach }));
  }

  /** At once, from the last state that was released; else when the state in memory is durable. */
  #openView(views: DocumentViews, work: OpenWork, { source, missed }: FoundIn): void {
    const { document, pipeline, created: applied } = source;
    const { head } = pipeline;
    const open = (): void => this.#beginView(views, work, missed);
    if (views.isReady && !applied) return open();
    if (views.copy(() => document.frozenCopy(), head)) {
      pipeline.push(new GatedStep(head.seq, () => views.install()));
    }
    pipeline.push(new GatedStep(head.seq, open, { work, applied }));
  }

  #beginView(views: DocumentViews, { request }: OpenWork, missed: Missed): void {
    const { follower, held, heldMine, params } = request;
    if (!this.#followers.has(follower)) return;
    if (!this.#mayView(views, follower)) return this.#end([follower], "denied");
    this.#followers.set(follower, "attached");
    const opening = views.open(follower, { params, held: { positions: [held, heldMine], missed } });
    if (opening.kind === "ended") this.#forget(follower);
    else this.#parts.members?.attached(follower);
    follower.opened(opening);
  }

  #refreshView(views: DocumentViews, follower: Follower): void {
    if (!this.#mayView(views, follower)) return this.#end([follower], "denied");
    const opening = views.regroup(follower);
    if (opening?.kind === "ended") this.#end([follower], opening.code);
    else if (opening !== undefined) follower.opened(opening);
  }

  readonly #attach = (follower: Follower): boolean => {
    if (!this.#followers.has(follower)) return false;
    this.#followers.set(follower, "attached");
    this.#parts.members?.attached(follower);
    return true;
  };

  /** Of some messages of a channel, once exactly those are delivered that it rests on. */
  #openFiltered(
    work: OpenWork,
    source: OpeningSource,
    { missed, filter }: Found & { readonly filter: ViewParams },
  ): void {
    const { pipeline, created: applied } = source;
    const { request } = work;
    const { follower } = request;
    const { channel } = this.#parts;
    if (channel === undefined) return;
    const { stateJson } = this.snapshots.shown(source);
    const at = pipeline.head;
    const past = passingPast(missed, filter);
    const open = (): void => {
      if (!this.#followers.has(follower)) return;
      this.#followers.set(follower, "attached");
      const opening = channel.groups.open({ request, params: filter, past, at, stateJson });
      if (opening.kind === "ended") this.#forget(follower);
      follower.opened(opening);
    };
    pipeline.push(new GatedStep(at.seq, open, { work, applied }));
  }
}

/** What was found for an opening, and what it is made from. */
interface FoundIn {
  readonly source: OpeningSource;
  readonly missed: Missed;
}

/** What was found for an opening, and the filter that it must pass. */
interface Found {
  readonly missed: Missed;
  readonly filter: ViewParams | undefined;
}
