// The one owner of a document in memory: loads it once, runs its requests one at a time, and gives it back. Requests
// that come while there is no state, or too much that is not durable, wait in a bounded mailbox.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { Access } from "./access.js";
import { Calls } from "./calls.js";
import { ClientWindows } from "./client-windows.js";
import type { Committer } from "./committer.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { Document } from "./document.js";
import type { DocumentName, DocumentStore, Loaded, StoredPosition, StoreError } from "./document-store.js";
import type { Audience, Follower } from "./documents.js";
import { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import { liveState, toCommitted } from "./loading.js";
import { Pipeline } from "./pipeline.js";
import { Queries } from "./queries.js";
import type { Content, Residence } from "./residence.js";
import { SnapshotKeeper } from "./snapshot-keeper.js";
import { type CallWork, GatedTask, type GatedWork, type OpenWork, type Work } from "./work.js";

/** What a host needs of its surroundings. */
export interface HostParts {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly store: DocumentStore;
  readonly committer: Committer;
  readonly runtime: Runtime;
  readonly audience: Audience;
  readonly report: HostReport;
}

const RELOAD_DELAY_MS = 200;
/** What a refusal for want of room suggests to wait. */
const OVERLOAD_AFTER_MS = 250;

/** Hosts one document. */
export class DocumentHost {
  readonly #parts: HostParts;
  readonly #following: Following;
  readonly #calls: Calls;
  readonly #queries: Queries;
  readonly #windows: ClientWindows;
  readonly #access: Access;
  readonly #mailbox: Work[] = [];
  /** Undefined while the document is being loaded, and after `unload`. */
  #residence: Residence | undefined;
  /** The last transaction its followers were given, across reloads. */
  #delivered: StoredPosition | undefined;
  #usedAt: number;

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#usedAt = parts.runtime.monotonicMs();
    this.#access = new Access(parts);
    this.#following = new Following(this.#access);
    this.#calls = new Calls({ ...parts, following: this.#following, access: this.#access });
    this.#queries = new Queries({ ...parts, following: this.#following, access: this.#access });
    this.#windows = new ClientWindows(parts);
    this.#load();
  }

  /** Takes a call or an opening; refuses it before execution when too much waits (R15). */
  accept(work: Work): void {
    this.#usedAt = this.#parts.runtime.monotonicMs();
    const residence = this.#residence;
    if (residence !== undefined && this.#mailbox.length === 0 && !residence.pipeline.isFull) {
      this.#run(work, residence);
    } else if (this.#mailbox.length < LIMITS.mailboxMax) {
      this.#mailbox.push(work);
    } else {
      this.#overloaded(work);
    }
  }

  /** The follower hears nothing more. */
  leave(follower: Follower): void {
    this.#following.leave(follower);
  }

  /** True when nobody needs it and nobody has for `idleMs`: longer than a copy of a call can be under way. */
  isIdle(idleMs: number): boolean {
    const residence = this.#residence;
    if (residence === undefined || this.#following.size > 0 || residence.snapshots.saving) return false;
    const { undurableCount, gatedCount } = residence.pipeline;
    const busy = undurableCount + gatedCount + this.#windows.reading + this.#queries.reading + this.#mailbox.length;
    return busy === 0 && this.#usedAt + idleMs <= this.#parts.runtime.monotonicMs();
  }

  /** Writes a snapshot if anything changed since the last one; the host goes on meanwhile. */
  async saveSnapshot(): Promise<void> {
    const residence = this.#residence;
    if (residence?.content.status !== "live" || !residence.snapshots.isDirty) return;
    if (residence.pipeline.undurableCount > 0) return;
    await residence.snapshots.save(this.#following.snapshot({ ...residence, document: residence.content.document }));
  }

  /** Gives the document back. Only when `isIdle`. */
  unload(): void {
    if (this.#residence !== undefined) this.#parts.store.release(this.#residence.ref);
    this.#residence = undefined;
    this.#parts.audience.retire();
  }

  #run(work: Work, residence: Residence): void {
    if (work.kind === "open") return this.#open(work, residence);
    if (work.call.query) return this.#queries.take(work, residence, this.#again);
    const { caller, client } = work.call;
    this.#windows.with(caller.principal.id, client, (window) => {
      if (this.#residence !== residence) this.#again(work);
      else this.#calls.take(work, residence, window);
    });
  }

  #open(work: OpenWork, residence: Residence): void {
    const { create, follower } = work.request;
    const { status } = residence.content;
    if (create !== undefined && (status === "absent" || status === "deleted")) {
      const refused = this.#calls.createForOpening(residence, follower.caller, create);
      if (refused !== undefined) return this.#following.refuse(work, refused, residence.pipeline);
    }
    const { content } = residence;
    if (content.status !== "live") {
      const code = this.#access.absence(content.status, follower.caller.principal);
      return this.#following.refuse(work, { code }, residence.pipeline);
    }
    if (!this.#following.allows(content.document, follower)) {
      return this.#following.refuse(work, { code: "denied" }, residence.pipeline);
    }
    const source = { ...residence, document: content.document, store: this.#parts.store };
    this.#following.begin(work, source, this.#again);
  }

  /** Work whose ground was lost is done again from the start. */
  readonly #again = (work: Work): void => this.accept(work);

  #overloaded(work: Work): void {
    const refusal = { code: "overloaded", afterMs: OVERLOAD_AFTER_MS } as const;
    if (work.kind === "open") return work.request.follower.opened({ kind: "ended", ...refusal });
    if (work.call.query || this.#residence === undefined) {
      return work.call.origin.answer(work.call.n, { kind: "no", ...refusal });
    }
    const { caller, client } = work.call;
    this.#windows.with(caller.principal.id, client, (window) => this.#calls.refuseRetryably(work, window, refusal));
  }

  #drainMailbox(): void {
    for (;;) {
      const residence = this.#residence;
      if (residence === undefined || residence.pipeline.isFull) return;
      const work = this.#mailbox.shift();
      if (work === undefined) return;
      this.#run(work, residence);
    }
  }

  #load(): void {
    this.#parts.store
      .load(this.#parts.name)
      .then((loaded) => this.#arrive(loaded))
      .then(
        () => this.#drainMailbox(),
        (error: unknown) => {
          this.#parts.report.loadFailed(this.#parts.name, error);
          this.#parts.runtime.setTimer(RELOAD_DELAY_MS, () => this.#load());
        },
      );
  }

  async #arrive(loaded: Loaded): Promise<void> {
    const residence = this.#reside(loaded);
    await this.#deliverMissed(residence);
    this.#windows.reset(loaded.ref);
    this.#residence = residence;
    if (residence.content.status === "live") this.#following.recheck(residence.content.document);
    else this.#following.endAll(residence.content.status === "absent" ? "not_found" : residence.content.status);
  }

  /** What a commit in doubt had written after all: followers are given it as if nothing had happened. */
  async #deliverMissed({ ref, pipeline, content }: Residence): Promise<void> {
    const held = this.#delivered;
    this.#delivered = pipeline.head;
    if (held === undefined) this.#parts.audience.begin(pipeline.lastChange);
    if (held === undefined || content.status !== "live" || held.seq >= pipeline.head.seq) return;
    const range = { after: held.seq, limit: LIMITS.undurableTransactionsMax * 2, bytesMax: LIMITS.undurableBytesMax * 2 };
    const rows = await this.#parts.store.read(ref, range);
    if (rows.length > 0) this.#parts.audience.deliver(toCommitted(rows, held.epoch, this.#parts.type.revealAuthor));
  }

  #reside(loaded: Loaded): Residence {
    const { type, store, runtime } = this.#parts;
    const content = this.#content(loaded);
    const live = loaded.status === "live" ? loaded : undefined;
    const head = loaded.status === "live" || loaded.status === "deleted" ? loaded.head : { seq: 0, epoch: loaded.epoch };
    const tail = toCommitted(live?.tail ?? [], live?.snapshot?.epoch ?? loaded.epoch, type.revealAuthor);
    const snapshots = new SnapshotKeeper({ ref: loaded.ref, store, runtime, type, stored: live?.snapshot, tail });
    return { ref: loaded.ref, pipeline: this.#pipeline(loaded, head, tail), snapshots, content };
  }

  #pipeline(loaded: Loaded, head: StoredPosition, tail: ReturnType<typeof toCommitted>): Pipeline {
    const { committer, audience } = this.#parts;
    const { ref, epoch } = loaded;
    const onDurable = (): void => this.#durable();
    const onLost = (waiting: readonly GatedWork[], error: StoreError | "fenced"): void => this.#lost(waiting, error);
    const recentBytesMax = LIMITS.replayRingBytesMax;
    return new Pipeline({ ref, epoch, head, audience, committer, recentBytesMax, onDurable, onLost }, tail);
  }

  #content(loaded: Loaded): Content {
    const { type, name, runtime, report } = this.#parts;
    if (loaded.status === "quarantined") report.documentUnreadable(name, loaded.reason);
    if (loaded.status !== "live") return { status: loaded.status };
    const newest = Math.max(loaded.snapshot?.typeVersion ?? 0, ...loaded.tail.map((row) => row.typeVersion));
    if (newest > type.version) return { status: "type_ahead" };
    try {
      const state = liveState(loaded);
      return { status: "live", document: new Document({ type, key: name.key, runtime, state, seq: loaded.head.seq }) };
    } catch (error) {
      // One unreadable document never stops the others (R12).
      report.documentUnreadable(name, error instanceof Error ? error.message : String(error));
      return { status: "quarantined" };
    }
  }

  #durable(): void {
    const residence = this.#residence;
    if (residence === undefined) return;
    const { pipeline, snapshots, content } = residence;
    this.#delivered = pipeline.durablePosition;
    this.#windows.evict((window) => window.isSettled(pipeline.durable, this.#parts.runtime.now()));
    if (content.status === "live" && snapshots.isDue) this.#snapshotAtHead(residence, content.document);
    if (this.#mailbox.length > 0) this.#drainMailbox();
  }

  #snapshotAtHead({ pipeline, snapshots }: Residence, document: Document): void {
    const snapshot = this.#following.snapshot({ document, pipeline });
    snapshots.begin();
    const save = (): void => {
      snapshots.save(snapshot).catch((error: unknown) => this.#parts.report.loadFailed(this.#parts.name, error));
    };
    pipeline.push(new GatedTask(pipeline.head.seq, save));
  }

  #lost(waiting: readonly GatedWork[], error: StoreError | "fenced"): void {
    this.#parts.report.commitLost(this.#parts.name, error);
    this.#residence = undefined;
    const refusal = refusalFor(error);
    const again: Work[] = [];
    for (const { work, applied } of waiting) {
      if (work === undefined) continue;
      if (refusal !== undefined && applied && work.kind === "call") this.#refuseUnwritten(work, refusal);
      else again.push(work);
    }
    this.#mailbox.unshift(...again);
    this.#load();
  }

  /** Certainly not written: later calls of the same client must not overtake it. */
  #refuseUnwritten(work: CallWork, code: "disk_full" | "internal"): void {
    const { caller, client } = work.call;
    const answer = { code, afterMs: OVERLOAD_AFTER_MS * 4 };
    this.#windows.with(caller.principal.id, client, (window) => this.#calls.refuseRetryably(work, window, answer));
  }
}

/** How calls are refused that are certainly not written; undefined: they may be, so their receipts must tell. */
function refusalFor(error: StoreError | "fenced"): "disk_full" | "internal" | undefined {
  if (error === "fenced" || error.certainty === "indeterminate") return undefined;
  return error.certainty === "disk_full" ? "disk_full" : "internal";
}
