// What applications see of the others who follow a document. Types only; peers/ implements them.
import type { Received } from "./received.js";

/** Somebody who is present, with however many tabs. */
export interface Peer<Meta> {
  /** The id of the person where the type reveals authors, else a name that tells nothing. Signals have it too. */
  readonly peer: string;
  /** It is you, here or in another tab. */
  readonly you: boolean;
  /** What they showed last. */
  readonly meta: Received<Meta>;
}

/** Listeners for those who are listed. */
export interface PresenceObserver<Meta> {
  readonly joined?: (peer: Peer<Meta>) => void;
  readonly updated?: (peer: Peer<Meta>, previous: Peer<Meta>) => void;
  readonly left?: (peer: Peer<Meta>) => void;
}

/**
 * Who has the document open and shows it. It is asked for when it is first looked at, listened to, or `set`; it is true
 * while the document is `live`, and what was known last otherwise.
 */
export interface Presence<Meta> {
  /** At most 100: those who came first. The list, and each peer in it, stays `===` while nothing about it changes. */
  readonly peers: readonly Peer<Meta>[];
  /** All of them. */
  readonly count: number;
  /** Shows or replaces your metadata, at most once in 200 ms; null hides you. It is shown again after a reconnect. */
  set(meta: Meta | null): void;
  /**
   * Tells of each who is listed now, shows something else, or is listed no longer; those who are there come as `joined`.
   * Whoever was away unnoticed is not told. Returns how to stop.
   */
  watch(observer: PresenceObserver<Meta>): () => void;
  /** Called once with what is there, if it is known, then whenever it has changed. Returns how to stop. */
  subscribe(listener: (presence: Presence<Meta>) => void): () => void;
}
