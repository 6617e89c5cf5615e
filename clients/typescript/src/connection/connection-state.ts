// The states of the one connection and how they follow each other. Pure: sockets and timers are in connection.ts.
//
//   idle -start-> connecting -opened-> greeting -welcomed-> live
//                     ^  \                 |                 |
//                     |   \---------lost---+-----lost--------/
//                     due---- waiting <----/           any -finished-> closed
import type { TidemarkError } from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";

/** What each try knows of those before it. */
interface Attempt {
  /** Failures in a row; sets the back-off. */
  readonly failures: number;
  /** The last try did not get as far as `welcome`. */
  readonly unreachable: boolean;
}

export type ConnectionState =
  | { readonly kind: "idle" }
  /** Token and socket are under way. */
  | ({ readonly kind: "connecting" } & Attempt)
  /** `hello` is sent. */
  | ({ readonly kind: "greeting" } & Attempt)
  | { readonly kind: "live"; readonly failures: number; readonly sinceMs: number }
  | ({ readonly kind: "waiting" } & Attempt)
  | { readonly kind: "closed"; readonly error: TidemarkError };

export type ConnectionEvent =
  | { readonly kind: "start" }
  | { readonly kind: "opened" }
  | { readonly kind: "welcomed"; readonly nowMs: number }
  | { readonly kind: "lost"; readonly nowMs: number }
  | { readonly kind: "due" }
  | { readonly kind: "finished"; readonly error: TidemarkError };

/** The state after an event; the same object when the event means nothing there. */
export function transition(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  if (state.kind === "closed") return state;
  switch (event.kind) {
    case "start":
      return state.kind === "idle" ? { kind: "connecting", failures: 0, unreachable: false } : state;
    case "opened":
      return state.kind === "connecting" ? { ...state, kind: "greeting" } : state;
    case "welcomed":
      if (state.kind !== "greeting") return state;
      return { kind: "live", failures: state.failures, sinceMs: event.nowMs };
    case "lost":
      return lost(state, event.nowMs);
    case "due":
      return state.kind === "waiting" ? { ...state, kind: "connecting" } : state;
    case "finished":
      return { kind: "closed", error: event.error };
  }
}

function lost(state: Exclude<ConnectionState, { kind: "closed" }>, nowMs: number): ConnectionState {
  switch (state.kind) {
    case "idle":
    case "waiting":
      return state;
    case "connecting":
    case "greeting":
      return { kind: "waiting", failures: state.failures + 1, unreachable: true };
    case "live": {
      // A server that welcomes and cuts at once must not be hammered.
      const settled = nowMs - state.sinceMs >= CLIENT_LIMITS.settledMs;
      return { kind: "waiting", failures: settled ? 0 : state.failures + 1, unreachable: false };
    }
  }
}

/** What the next try is to know of those before it. */
export const lastTry = (state: ConnectionState): Attempt =>
  state.kind === "waiting" ? state : { failures: 0, unreachable: false };
