// What applications see of calls: options, promises, and one typed function per message and query. Types only.
import type { Contract } from "@tidemark/protocol";
import type { Position } from "./position.js";

/** How long to wait. Neither cancels: what has begun may still be applied (`outcome: "unknown"`). */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Default 30,000 from the call, offline time included; a call that has not begun by then is refused, not run late.
   * At most 7 days, which is what Infinity means.
   */
  readonly deadlineMs?: number;
  /** Apply only if the document is still at this seq; otherwise `conflict`. Messages only. */
  readonly ifSeq?: number;
}

/** Where a call landed: `n` is its number on this client, the rest its position. */
export interface Receipt extends Position {
  readonly n: number;
}

/** A sent message. Resolves when it is durable and `doc.state` shows it; rejects with `TidemarkError`. */
export interface Sent<Result> extends Promise<Result> {
  /** Settles with the promise; never an unhandled rejection of its own. */
  readonly receipt: Promise<Receipt>;
}

/** One function per message. */
export type Senders<C extends Contract> = {
  readonly [K in keyof C["messages"]]: (
    input: C["messages"][K]["in"],
    options?: CallOptions,
  ) => Sent<C["messages"][K]["out"]>;
};

/** One function per query. */
export type Askers<C extends Contract> = {
  readonly [K in keyof C["queries"]]: (
    input: C["queries"][K]["in"],
    options?: CallOptions,
  ) => Promise<C["queries"][K]["out"]>;
};
