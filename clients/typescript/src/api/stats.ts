// What a client counts of its own streams. Types only; liveness/tally.ts counts.
import type { ResetReason } from "./document.js";

/** How a difference showed itself, or what else made a client ask again. */
export type Divergence =
  /** Heads or a probe named a later seq than the one held. */
  | "behind"
  /** They named an earlier one. */
  | "ahead"
  /** What is held is not in the document's log. */
  | "otherHistory"
  /** A message did not link to what was held. */
  | "gap"
  /** An audit found other state at the same position. */
  | "audit";

/** What a client saw since `connect`. Durations in milliseconds; counts only grow. */
export interface StreamStats {
  /** Connections that were welcomed. */
  readonly connections: number;
  /** The last round trip of a heartbeat; undefined before the first. */
  readonly rttMs: number | undefined;
  /** Time of all followed documents together while they were `live`, and while they were not. */
  readonly liveMs: number;
  readonly notLiveMs: number;
  /** From asking for a document to its first payload on each connection: how often, the last, the longest, the sum. */
  readonly firstPayloads: {
    readonly count: number;
    readonly lastMs: number;
    readonly maxMs: number;
    readonly sumMs: number;
  };
  /** First payloads that missed their deadline and were asked for again. */
  readonly late: number;
  /** Subscriptions that the server's heads did not name any more. */
  readonly absent: number;
  /** Differences that were found, and healed by a snapshot. */
  readonly healed: { readonly [kind in Divergence]: number };
  /** Snapshots that replaced a state. */
  readonly resets: { readonly [reason in ResetReason]: number };
  /** Calls that another page left behind and that were sent to their end here. */
  readonly adopted: number;
}
