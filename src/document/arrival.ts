// A document that has been loaded: what it begins with in memory, and what those who followed it before are given of what was
// written meanwhile. It runs nothing and keeps nothing.
import { LIMITS } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Committer } from "./committer.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import type { DocumentName, DocumentStore, Loaded, StoredPosition } from "./document-store.js";
import type { RowAudience } from "./documents.js";
import type { Following } from "./following.js";
import type { HostReport } from "./host-report.js";
import { contentOf, type MissedCommits, toCommitted } from "./loading.js";
import { Pipeline, type PipelineOwner } from "./pipeline.js";
import type { Residence } from "./residence.js";
import { SnapshotKeeper } from "./snapshot-keeper.js";

/** Whose document it is. */
export interface ArrivalParts {
  readonly name: DocumentName;
  readonly type: ResolvedType;
  readonly store: DocumentStore;
  readonly committer: Committer;
  readonly runtime: Runtime;
  readonly report: HostReport;
  /** Who takes what is durable. */
  readonly rows: RowAudience;
  readonly owner: PipelineOwner;
}

/** What it begins with. */
export function residenceOf(loaded: Loaded, parts: ArrivalParts): Residence {
  const { type, store, runtime } = parts;
  const content = contentOf(loaded, parts);
  const live = loaded.status === "live" ? loaded : undefined;
  const head = loaded.status === "live" || loaded.status === "deleted" ? loaded.head : { seq: 0, epoch: loaded.epoch };
  const tail = toCommitted(live?.tail ?? [], live?.snapshot?.epoch ?? loaded.epoch, type);
  const snapshots = new SnapshotKeeper({ ref: loaded.ref, store, runtime, type, stored: live?.snapshot, tail });
  return { ref: loaded.ref, pipeline: pipelineOf(loaded, { head, tail }, parts), snapshots, content };
}

function pipelineOf(
  { ref, epoch }: Loaded,
  { head, tail }: { readonly head: StoredPosition; readonly tail: ReturnType<typeof toCommitted> },
  { committer, type, name, report, rows: audience, owner }: ArrivalParts,
): Pipeline {
  const shown = type.shown?.telling((event, error) => report.handlerFailed(name, `events.${event}.audience`, error));
  const recentBytesMax = LIMITS.replayRingBytesMax;
  return new Pipeline({ ref, epoch, head, audience, shown, committer, recentBytesMax, owner }, tail);
}

/** Who is given it. */
export interface MissedBy {
  readonly residence: Residence;
  readonly following: Following;
  readonly rows: RowAudience;
}

/** What a commit in doubt had written after all is given to followers as if nothing had happened; those who may not follow
 * any more are ended before they see it. */
export function giveMissed(
  missed: MissedCommits,
  { residence: { pipeline, content }, following, rows }: MissedBy,
): void {
  const absence = content.status === "absent" ? "not_found" : content.status;
  if (missed.kind !== "rows") {
    if (missed.kind === "broken") following.endAll(absence === "live" ? "moved" : absence);
    return rows.begin(pipeline.lastChange);
  }
  const { beforeDeletion, rest } = missed;
  if (content.status === "live" && rest.length === 0) following.recheck(content.document);
  if (beforeDeletion.length > 0) rows.deliver(beforeDeletion);
  if (rest.length > 0) following.endAll("deleted");
  else if (absence !== "live") following.endAll(absence);
  if (rest.length > 0) rows.deliver(rest);
}
