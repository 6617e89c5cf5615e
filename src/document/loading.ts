// Turns what a store holds into a live state: the snapshot, then every row of the tail on top.
import { applyPatch, type Json, type JsonObject, LIMITS, type PatchOperation } from "@tidemark/protocol";
import type { Loaded, LogRow, StoredSnapshot } from "./document-store.js";
import type { Committed } from "./documents.js";
import { detach } from "./recorder/detach.js";

/** Replays rows over a state; `undefined` stands for no document. Throws PatchError or SyntaxError on damaged rows. */
export function replay(base: Json | undefined, rows: readonly LogRow[]): Json | undefined {
  let state = base;
  for (const row of rows) {
    const operations: readonly PatchOperation[] = JSON.parse(row.operations);
    if (operations.length > 0) state = applyPatch(state ?? null, operations);
  }
  return state;
}

/** The state of a snapshot. */
export const snapshotState = (snapshot: StoredSnapshot | undefined): Json | undefined =>
  snapshot === undefined ? undefined : JSON.parse(snapshot.body);

/** The live state of a loaded document as nodes that a recorder may write to. Throws when it is no object. */
export function liveState(loaded: Extract<Loaded, { status: "live" }>): JsonObject {
  const state = replay(snapshotState(loaded.snapshot), loaded.tail);
  // Stored state was within the limits when it was written; it must load under stricter ones too (R19).
  const nodes = detach(state, { path: "", depthMax: LIMITS.depthMax * 2, bytesMax: Number.MAX_SAFE_INTEGER });
  if (typeof nodes !== "object" || nodes === null || Array.isArray(nodes)) throw new TypeError("the stored state is no object");
  return nodes as JsonObject;
}

/** Rows as they are delivered. `previousEpoch` is that of the row before the first. */
export function toCommitted(rows: readonly LogRow[], previousEpoch: number, revealAuthor: boolean): Committed[] {
  let before = previousEpoch;
  return rows.map((row) => {
    const committed = {
      epoch: row.epoch,
      previousEpoch: before,
      seq: row.seq,
      at: row.at,
      operations: row.operations,
      events: row.events,
      by: revealAuthor && row.subject !== "" ? row.subject : undefined,
    };
    before = row.epoch;
    return committed;
  });
}
