// The states of a stream of one document, and how they follow each other. Types, and one question to them.
//
//   down -connected-> opening -payload-> live       any -ended, never-> over
//    ^                   ^  \             |
//    |                   |   \--late,gap--+--gap, heads, absent--\
//    cut               due--- pausing <------ended, retry--------+-> opening (tag "!" when what is held is in doubt)
import type { TidemarkError } from "@tidemark/protocol";
import type { Cancel } from "../platform/platform.js";

interface Subscribed {
  readonly s: number;
  readonly handles: readonly number[];
}

/** Where a stream stands. */
export type StreamState =
  | { readonly kind: "down" }
  | ({
      readonly kind: "opening";
      readonly fromMs: number;
      readonly late: Cancel;
      /** What is held is gone on from, and shown, as if nothing was asked; undefined: it is not. */
      readonly liveSinceMs: number | undefined;
    } & Subscribed)
  | ({ readonly kind: "live"; readonly sinceMs: number } & Subscribed)
  | { readonly kind: "pausing"; readonly due: Cancel }
  | { readonly kind: "over"; readonly error: TidemarkError | undefined };

/** Since when what it holds is live to see; undefined: it is not. */
export const liveSince = (state: StreamState): number | undefined =>
  state.kind === "live" ? state.sinceMs : state.kind === "opening" ? state.liveSinceMs : undefined;
