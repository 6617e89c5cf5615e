// Turns what a store holds into a document: the snapshot, then every row of the tail on top. And what followers missed
// while it was loaded again.
import { applyPatch, type Json, type JsonObject, LIMITS, type PatchOperation } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedType } from "./definition/resolved-type.js";
import { Document } from "./document.js";
import {
  type DocumentName,
  type DocumentRef,
  type DocumentStore,
  type Loaded,
  type LogRow,
  type StoredPosition,
  type StoredSnapshot,
  TransactionKind,
} from "./document-store.js";
import type { Committed } from "./documents.js";
import type { HostReport } from "./host-report.js";
import { detach } from "./recorder/detach.js";
import type { Content } from "./residence.js";

/** Replays rows over a state; `undefined` stands for no document. Throws PatchError or SyntaxError on damaged rows. */
export function replay(base: Json | undefined, rows: readonly LogRow[]): Json | undefined {
  let state = base;
  for (const row of rows) {
    if (row.kind === TransactionKind.delete) {
      state = undefined;
      continue;
    }
    const operations: readonly PatchOperation[] = JSON.parse(row.operations);
    if (operations.length > 0) state = applyPatch(state ?? null, operations);
  }
  return state;
}

/** What a snapshot keeps: the state, or in a list the state and the members. */
export const snapshotBody = (stateJson: string, members: readonly string[]): string =>
  members.length === 0 ? stateJson : `[${stateJson},${JSON.stringify(members)}]`;

/** The state of a snapshot. */
export function snapshotState(snapshot: StoredSnapshot | undefined): Json | undefined {
  if (snapshot === undefined) return undefined;
  const body: Json = JSON.parse(snapshot.body);
  return Array.isArray(body) ? body[0] : body;
}

/** The members of a loaded document, in the order in which they came. */
export function membersOf(loaded: Loaded): ReadonlySet<string> {
  const members = new Set<string>();
  if (loaded.status !== "live") return members;
  const body: Json = JSON.parse(loaded.snapshot?.body ?? "null");
  const kept = Array.isArray(body) ? body[1] : undefined;
  if (Array.isArray(kept)) for (const id of kept) members.add(String(id));
  for (const { kind, subject } of loaded.tail) {
    if (kind === TransactionKind.joined) members.add(subject);
    else if (kind === TransactionKind.left) members.delete(subject);
    else if (kind !== TransactionKind.message) members.clear();
  }
  return members;
}

/** The live state of a loaded document as nodes that a recorder may write to. Throws when it is no object. */
export function liveState(loaded: Extract<Loaded, { status: "live" }>): JsonObject {
  const state = replay(snapshotState(loaded.snapshot), loaded.tail);
  // Stored state was within the limits when it was written; it must load under stricter ones too (R19).
  const nodes = detach(state, { path: "", depthMax: LIMITS.depthMax * 2, bytesMax: Number.MAX_SAFE_INTEGER });
  if (typeof nodes !== "object" || nodes === null || Array.isArray(nodes))
    throw new TypeError("the stored state is no object");
  return nodes as JsonObject;
}

/** What of a row its readers may know. */
export type Shown = Pick<ResolvedType, "revealAuthor" | "shown" | "hidden">;

/** Rows as they are delivered. `previousEpoch` is that of the row before the first. */
export function toCommitted(
  rows: readonly LogRow[],
  previousEpoch: number,
  { revealAuthor, shown }: Shown,
): Committed[] {
  let before = previousEpoch;
  return rows.map((row) => {
    const committed = {
      epoch: row.epoch,
      previousEpoch: before,
      seq: row.seq,
      at: row.at,
      operations: shown === undefined ? row.operations : shown.operationsJson(row.operations),
      events: shown === undefined ? row.events : shown.eventsJson(row.events),
      by: revealAuthor && row.subject !== "" ? row.subject : undefined,
    };
    before = row.epoch;
    return committed;
  });
}

/** What was committed since followers were last given something. `begins`: nobody was given anything yet. `broken`: the
 * log does not go on from there. Else the rows; those from the deletion of the document on are `rest`. */
export type MissedCommits =
  | { readonly kind: "begins" }
  | { readonly kind: "broken" }
  | { readonly kind: "rows"; readonly beforeDeletion: readonly Committed[]; readonly rest: readonly Committed[] };

/** Reads all rows from a position to the head. Rejects when the store does. */
export async function missedCommits(
  store: DocumentStore,
  range: { readonly ref: DocumentRef; readonly from: StoredPosition | undefined; readonly head: StoredPosition },
  shown: Shown,
): Promise<MissedCommits> {
  const { ref, from, head } = range;
  if (from === undefined) return { kind: "begins" };
  if (from.seq > head.seq || (from.seq === head.seq && from.epoch !== head.epoch)) return { kind: "broken" };
  const rows: LogRow[] = [];
  for (let after = from.seq; after < head.seq; after = rows.at(-1)?.seq ?? head.seq) {
    const page = await store.read(ref, { after, limit: PAGE_ROWS, bytesMax: LIMITS.undurableBytesMax });
    if (page[0]?.seq !== after + 1) return { kind: "broken" };
    for (const row of page) rows.push(row);
  }
  const committed = toCommitted(rows, from.epoch, shown);
  const deletion = rows.findIndex((row) => row.kind === TransactionKind.delete);
  const end = deletion === -1 ? rows.length : deletion;
  return { kind: "rows", beforeDeletion: committed.slice(0, end), rest: committed.slice(end) };
}

const PAGE_ROWS = 4_096;

/** What a document is once it is loaded; says so when it does not serve. */
export function contentOf(
  loaded: Loaded,
  parts: {
    readonly type: ResolvedType;
    readonly name: DocumentName;
    readonly runtime: Runtime;
    readonly report: HostReport;
  },
): Content {
  const { type, name, runtime, report } = parts;
  if (loaded.status === "quarantined") report.documentUnreadable(name, loaded.reason);
  if (loaded.status !== "live") return { status: loaded.status };
  const newest = loaded.tail.reduce((max, row) => Math.max(max, row.typeVersion), loaded.snapshot?.typeVersion ?? 0);
  if (newest > type.version) return { status: "type_ahead" };
  try {
    const { snapshot, tail, head } = loaded;
    const measuredBytes = Buffer.byteLength(snapshot?.body ?? "");
    const grownBytes = tail.reduce((sum, { operations }) => sum + Buffer.byteLength(operations), 0);
    const bytes = { measuredBytes, grownBytes };
    const document = new Document({ type, key: name.key, runtime, state: liveState(loaded), seq: head.seq, ...bytes });
    return { status: "live", document };
  } catch (error) {
    // One unreadable document never stops the others (R12).
    report.documentUnreadable(name, error instanceof Error ? error.message : String(error));
    return { status: "quarantined" };
  }
}
