// The one owner of a document in memory: loads it once, runs its requests one at a time, and gives it back. Requests
// that come while there is no state, or too much that is not durable, wait in a bounded mailbox.
import { type ErrorCode, LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Turns } from "../runtime/turns.js";
import { Access } from "./access.js";
import { giveMissed, residenceOf } from "./arrival.js";
import { Calls } from "./calls.js";
import { ChannelOpenings } from "./channels/channel-openings.js";
import type { ClientWindow } from "./client-window.js";
import { ClientWindows } from "./client-windows.js";
import type { Committer } from "./committer.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { Document } from "./document.js";
import type { DocumentFigures } from "./document-figures.js";
import {
  type DocumentName,
  type DocumentStore,
  type Loaded,
  type StoredPosition,
  type StoredSnapshot,
  StoreError,
} from "./document-store.js";
import type { Audience, Follower, RefusedAnswer, RowAudience, Speech } from "./documents.js";
import { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import { membersOf, missedCommits, snapshotBody } from "./loading.js";
import { Members } from "./members.js";
import type { Missed } from "./opening.js";
import type { Pipeline, PipelineOwner } from "./pipeline.js";
import { Queries } from "./queries.js";
import { refusalOfLoss } from "./refusal.js";
import type { Residence } from "./residence.js";
import { checkSpeech } from "./speech.js";
import { DocumentViews } from "./views/document-views.js";
import { type CallWork, GatedTask, type GatedWork, type OpenWork, type Work } from "./work.js";
import type { Workload } from "./workload.js";

/** What a host needs of its surroundings. */
export interface HostParts {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly store: DocumentStore;
  readonly committer: Committer;
  readonly runtime: Runtime;
  readonly audience: Audience;
  readonly report: HostReport;
  readonly figures: DocumentFigures;
  /** In which the documents of this process read their logs: for openings, and for whoever looks back. */
  readonly logTurns: Turns;
  readonly pastTurns: Turns;
}

const RELOAD_DELAY_MS = 200;
const RELOAD_DELAY_MAX_MS = 5_000;
/** What a refusal for want of room suggests to wait. */
const OVERLOADED: RefusedAnswer = { code: "overloaded", afterMs: 250 };

/** Hosts one document. */
export class DocumentHost implements PipelineOwner {
  readonly #parts: HostParts;
  // What every call needs of the parts, one place in memory nearer.
  readonly #type: ResolvedType;
  readonly #runtime: Runtime;
  readonly #workload: Workload;
  readonly #following: Following;
  readonly #calls: Calls;
  readonly #queries: Queries;
  readonly #windows: ClientWindows;
  readonly #access: Access;
  /** Undefined: the type does not keep who is here. */
  readonly #members: Members | undefined;
  /** Who takes what is durable. */
  readonly #rows: RowAudience;
  /** Undefined while it is empty: every call looks. */
  #mailbox: Work[] | undefined = undefined;
  /** Undefined while the document is being loaded, and after `unload`. */
  #residence: Residence | undefined;
  /** The last transaction its followers were given, across reloads. */
  #delivered: StoredPosition | undefined;
  /** Loads in doubt since something became durable. */
  #doubts = 0;
  /** Whole ms, which need no place of their own in memory. */
  #usedAtMs: number;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#type = parts.type;
    this.#runtime = parts.runtime;
    this.#workload = parts.committer.workload;
    this.#usedAtMs = Math.floor(parts.runtime.monotonicMs());
    this.#access = new Access(parts);
    // Field by field: a leading spread would give the parts of each host a hidden class of their own, and every read of
    // one a miss.
    const { name, type, store, runtime, report, figures, logTurns } = parts;
    const access = this.#access;
    const views = viewsOf(parts, () => this.#following);
    const channel = type.channel && new ChannelOpenings(parts);
    this.#rows = views ?? channel?.groups ?? parts.audience;
    const members = this.#makeMembers();
    this.#members = members;
    const [proceed, failed] = [this.#proceed, this.#failed];
    this.#following = new Following({
      ...{ access, store, runtime, figures, logTurns, views, channel, members },
      ...{ proceed, failed },
    });
    const following = this.#following;
    this.#calls = new Calls({ name, type, runtime, following, access, report });
    this.#queries = new Queries({ name, type, store, runtime, following, access, report, pastTurns: parts.pastTurns });
    this.#windows = new ClientWindows({ store, runtime, take: this.#takeCall, failed: this.#failed });
    this.#load(0);
  }

  /** Which document it hosts. */
  get name(): DocumentName {
    return this.#parts.name;
  }

  /** Whether this is a query of the type. */
  answers(name: string): boolean {
    return this.#type.queries.has(name);
  }

  /** Takes a call or an opening; refuses it before execution when too much waits (R15). */
  accept(work: Work): void {
    const nowMs = this.#runtime.monotonicMs();
    this.#usedAtMs = Math.floor(nowMs);
    if (work.kind === "open") this.#following.expect(work.request.follower);
    const residence = this.#residence;
    if (this.#inMailbox + this.#windows.waiting >= LIMITS.mailboxMax) return this.#refuse(work, OVERLOADED);
    // Openings are let in one by one with their connections, and nobody is served before them.
    const refusal = work.kind === "call" ? this.#workload.refusal(nowMs) : undefined;
    if (refusal !== undefined) return this.#refuse(work, refusal);
    if (residence === undefined || this.#mailbox !== undefined || residence.pipeline.isFull) this.#keep(work);
    else this.#run(work, residence);
  }

  /** The follower hears nothing more. */
  leave(follower: Follower): void {
    this.#usedAtMs = Math.floor(this.#runtime.monotonicMs());
    this.#following.leave(follower);
  }

  /** The follower's caller has other rights. */
  refresh(follower: Follower): void {
    const residence = this.#residence;
    if (residence?.content.status !== "live") return this.#following.refreshed(follower, undefined);
    this.#following.refreshed(follower, { document: residence.content.document, pipeline: residence.pipeline });
  }

  /** An attached follower wants to say something to the others. */
  say(follower: Follower, speech: Speech): void {
    if (this.#following.has(follower)) checkSpeech(this.#parts, follower, speech);
  }

  /** True when nobody needs it and nobody has for `idleMs`: longer than a copy of a call can be under way. */
  isIdle(idleMs: number): boolean {
    const residence = this.#residence;
    if (residence === undefined || this.#following.size > 0 || residence.snapshots.saving) return false;
    if (this.#members?.isBusy === true) return false;
    const { undurableCount, gatedCount } = residence.pipeline;
    const busy = undurableCount + gatedCount + this.#windows.reading + this.#queries.reading + this.#inMailbox;
    return busy === 0 && this.#usedAtMs + idleMs <= this.#parts.runtime.monotonicMs();
  }

  /** Writes a snapshot if anything changed since the last one; the host goes on meanwhile. */
  async saveSnapshot(): Promise<void> {
    const residence = this.#residence;
    if (residence?.content.status !== "live" || !residence.snapshots.isDirty) return;
    if (residence.pipeline.undurableCount > 0) return;
    await residence.snapshots.save(this.#stored(residence, residence.content.document));
  }

  /** Begins nothing more by itself. */
  stop(): void {
    this.#members?.stop();
  }

  /** Gives the document back. Only when `isIdle`. */
  unload(): void {
    if (this.#residence !== undefined) this.#parts.store.release(this.#residence.ref);
    this.#residence = undefined;
    this.#rows.retire();
  }

  #makeMembers(): Members | undefined {
    const { name, type, runtime, report } = this.#parts;
    const { members: hooks } = type;
    if (hooks === undefined) return undefined;
    const residence = (): Residence | undefined => this.#residence;
    return new Members({
      ...{ name, hooks, runtime, report, residence },
      wrote: (applied, document, { snapshots, pipeline }) => {
        snapshots.wrote(applied.operationsJson.length);
        this.#following.wrote(applied, document, pipeline);
      },
    });
  }

  #run(work: Work, residence: Residence): void {
    if (work.kind === "open") this.#open(work, residence, undefined);
    else if (!work.isQuery) this.#windows.take(work);
    else if (!this.#windows.queue(work)) this.#queries.take(work, residence, this.#again);
  }

  readonly #takeCall = (work: CallWork, window: ClientWindow): void => {
    // Windows are read for a loaded document; when it was lost meanwhile, `lost` took the call back.
    if (this.#residence === undefined) this.#keep(work);
    else if (work.isQuery) this.#queries.take(work, this.#residence, this.#again);
    else this.#calls.take(work, this.#residence, window);
  };

  #open(work: OpenWork, residence: Residence, read: Missed | undefined): void {
    const { follower } = work.request;
    const { status } = residence.content;
    const create = work.request.create ?? (this.#type.channel === undefined ? undefined : true);
    const creates = create !== undefined && (status === "absent" || status === "deleted");
    const refusal = creates ? this.#calls.createForOpening(work, residence, create) : undefined;
    if (refusal !== undefined && this.#following.has(follower)) {
      return this.#following.refuse(work, refusal, residence.pipeline);
    }
    // It was closed while its request waited; what it asked to be created is there for the calls behind it.
    if (!this.#following.has(follower)) return;
    const { content } = residence;
    if (content.status !== "live") {
      const code = this.#access.absence(content.status, follower.caller);
      return this.#following.refuse(work, { code }, residence.pipeline);
    }
    if (!this.#following.allows(content.document, follower)) {
      return this.#following.refuse(work, { code: "denied" }, residence.pipeline);
    }
    // Field by field: a literal that begins with a spread costs fifty times as much, and thousands open at once.
    const { pipeline, ref } = residence;
    this.#following.begin(work, { document: content.document, pipeline, ref, created: creates, read });
  }

  /** The log was read for an opening: everything else is asked again, since it may have changed. */
  readonly #proceed = (work: OpenWork, read: Missed | undefined, pipeline: Pipeline): void => {
    const residence = this.#residence;
    if (residence?.pipeline === pipeline) this.#open(work, residence, read);
    else if (this.#following.has(work.request.follower)) this.#again(work);
  };

  /** Work whose ground was lost is done again from the start; it was let in before. */
  readonly #again = (work: Work): void => {
    const residence = this.#residence;
    if (residence === undefined || this.#mailbox !== undefined) this.#keep(work);
    else this.#run(work, residence);
  };

  #refuse(work: Work, refusal: RefusedAnswer): void {
    this.#parts.figures.count("refused");
    if (work.kind === "open") return this.#following.refuseNow(work, refusal);
    const { call } = work;
    const window = work.isQuery || this.#residence === undefined ? undefined : this.#windows.ready(work);
    if (window !== undefined && this.#residence !== undefined) {
      const { durable } = this.#residence.pipeline;
      return this.#calls.takeOverloaded(work, window, { durable, refusal });
    }
    if (!work.isQuery) this.#windows.refused(work, refusal);
    call.origin.answer(call, { kind: "no", ...refusal });
  }

  get #inMailbox(): number {
    return this.#mailbox === undefined ? 0 : this.#mailbox.length;
  }

  #keep(work: Work): void {
    if (this.#mailbox === undefined) this.#mailbox = [work];
    else this.#mailbox.push(work);
  }

  #drainMailbox(): void {
    const waiting = this.#mailbox;
    if (waiting === undefined) return;
    this.#mailbox = undefined;
    for (let index = 0; index < waiting.length; index++) {
      const work = waiting[index];
      if (work === undefined) continue;
      const residence = this.#residence;
      if (residence === undefined || residence.pipeline.isFull) {
        this.#mailbox = waiting.slice(index).concat(this.#mailbox ?? []);
        return;
      }
      this.#run(work, residence);
    }
  }

  #load(delayMs: number): void {
    if (delayMs > 0) return void this.#parts.runtime.setTimer(delayMs, () => this.#load(0));
    this.#parts.store
      .load(this.#parts.name)
      .then((loaded) => this.#arrive(loaded))
      .then(
        () => this.#drainMailbox(),
        (error: unknown) => {
          this.#parts.report.loadFailed(this.#parts.name, error);
          this.#load(RELOAD_DELAY_MS);
        },
      )
      .catch(this.#failed);
  }

  /** A bug of ours must not end the process (R19): memory is not trusted any more, and the document is loaded again. */
  readonly #failed = (cause: unknown): void => {
    this.#residence?.pipeline.lost(new StoreError("indeterminate", "the host of a document failed", { cause }));
  };

  async #arrive(loaded: Loaded): Promise<void> {
    const residence = residenceOf(loaded, { ...this.#parts, rows: this.#rows, owner: this });
    const range = { from: this.#delivered, head: residence.pipeline.head, ref: loaded.ref };
    const again = this.#delivered !== undefined;
    const missed = await missedCommits(this.#parts.store, range, this.#parts.type);
    if (missed.kind === "rows" && missed.beforeDeletion.length + missed.rest.length > 0) this.#doubts = 0;
    this.#delivered = residence.pipeline.head;
    this.#windows.reset(loaded.ref);
    this.#following.reloaded();
    giveMissed(missed, { residence, following: this.#following, rows: this.#rows });
    this.#residence = residence;
    this.#members?.resume(residence.content.status === "live" ? membersOf(loaded) : [], again);
  }

  /** The pipeline asks. */
  get isFollowed(): boolean {
    return this.#following.size > 0;
  }

  /** The pipeline says that something became durable. */
  durable(): void {
    const residence = this.#residence;
    if (residence === undefined) return;
    const { pipeline, snapshots, content } = residence;
    this.#delivered = pipeline.durablePosition;
    this.#doubts = 0;
    this.#windows.evict(pipeline.durable);
    if (content.status === "live" && snapshots.isDue) this.#snapshotAtHead(residence, content.document);
    if (this.#mailbox !== undefined) this.#drainMailbox();
    this.#members?.goOn();
  }

  /** All that there is to keep of it, at the head in memory. */
  #stored({ pipeline }: Residence, document: Document): Omit<StoredSnapshot, "typeVersion"> {
    const { epoch, seq, stateJson } = this.#following.snapshots.stored({ document, pipeline });
    return { epoch, seq, body: snapshotBody(stateJson, this.#members?.ids ?? []) };
  }

  #snapshotAtHead(residence: Residence, document: Document): void {
    const { pipeline, snapshots } = residence;
    const snapshot = this.#stored(residence, document);
    snapshots.begin();
    const save = (): void => {
      snapshots.save(snapshot).catch((error: unknown) => this.#parts.report.loadFailed(this.#parts.name, error));
    };
    pipeline.push(new GatedTask(pipeline.head.seq, save));
  }

  /** The pipeline says that what was not durable is lost or in doubt. */
  lost(waiting: readonly GatedWork[], error: StoreError | "fenced"): void {
    this.#parts.report.commitLost(this.#parts.name, error);
    this.#residence = undefined;
    const refusal = refusalOfLoss(error);
    const again: Work[] = [];
    for (const { work, applied } of waiting) {
      if (work === undefined) continue;
      if (applied && refusal !== undefined) this.#refuseUnwritten(work, refusal);
      else again.push(work);
      if (applied) work.losses += 1;
    }
    // In the order in which they came, as far as it concerns one client (R5).
    const waits = [...again, ...this.#windows.drain(), ...(this.#mailbox ?? [])];
    this.#mailbox = waits.length === 0 ? undefined : waits;
    this.#load(this.#reloadDelayMs(refusal === undefined));
  }

  /** The first doubt is cleared up at once; when doubt follows doubt, the store is given time. */
  #reloadDelayMs(inDoubt: boolean): number {
    this.#doubts += inDoubt ? 1 : 0;
    return this.#doubts <= 1 || !inDoubt ? 0 : Math.min(RELOAD_DELAY_MS * 2 ** (this.#doubts - 2), RELOAD_DELAY_MAX_MS);
  }

  /** Certainly not written: later calls of the same client must not overtake it. */
  #refuseUnwritten(work: Work, refusal: RefusedAnswer): void {
    if (work.kind === "open") return this.#following.refuseNow(work, refusal);
    this.#windows.refused(work, refusal);
    work.call.origin.answer(work.call, { kind: "no", ...refusal });
  }
}

function viewsOf(
  { type, name, runtime, audience, report }: HostParts,
  following: () => Following,
): DocumentViews | undefined {
  const { views } = type;
  if (views === undefined) return undefined;
  const isAwaited = (): boolean => following().size > 0;
  const recheck = (): void => following().recheckViews();
  const end = (follower: Follower, code: ErrorCode): void => following().endOne(follower, code);
  return new DocumentViews({ type, views, name, runtime, audience, report, isAwaited, recheck, end });
}
