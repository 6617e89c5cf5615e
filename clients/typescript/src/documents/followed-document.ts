// One document that is followed, however often it was opened: its stream, its openings, and the senders that wait for
// it to show their effect. It turns where the stream and the connection stand into the status applications see.
import type { Json, JsonObject, TidemarkError } from "@tidemark/protocol";
import type { Status } from "../api/document.js";
import type { Position } from "../api/position.js";
import type { TideStatus } from "../api/tide.js";
import type { View } from "../calls/call.js";
import type { Platform } from "../platform/platform.js";
import type { Update } from "../stream/change.js";
import { Stream, type StreamWire } from "../stream/stream.js";

/** One `open` of the document. */
export interface Follower {
  moved(update: Update | undefined): void;
}

interface FollowedOptions {
  readonly platform: Platform;
  readonly wire: StreamWire;
  readonly documentId: string;
  readonly create: Json | undefined;
  readonly tideStatus: () => TideStatus;
  /** The stream has ended; nothing will come any more. */
  readonly over: () => void;
}

export class FollowedDocument implements View {
  readonly stream: Stream;
  readonly #options: FollowedOptions;
  readonly #followers = new Set<Follower>();
  #waiting: { readonly seq: number; readonly then: () => void }[] = [];

  constructor(options: FollowedOptions) {
    this.#options = options;
    this.stream = new Stream({ ...options, observer: { moved: (update) => this.#moved(update) } });
  }

  get documentId(): string {
    return this.#options.documentId;
  }

  get state(): JsonObject | undefined {
    return this.stream.replica.state;
  }

  get position(): Position | undefined {
    return this.stream.replica.position;
  }

  get error(): TidemarkError | undefined {
    return this.stream.error;
  }

  get subscription(): number | undefined {
    return this.stream.subscription;
  }

  get status(): Status {
    const { phase, error } = this.stream;
    if (phase === "over") {
      if (error === undefined || error.code === "closed") return "closed";
      return error.code === "denied" ? "denied" : "ended";
    }
    if (this.#options.tideStatus() === "offline") return "offline";
    if (this.state === undefined) return "connecting";
    return phase === "live" ? "live" : "stale";
  }

  /** How many openings there are. */
  get followers(): number {
    return this.#followers.size;
  }

  follow(follower: Follower): void {
    this.#followers.add(follower);
  }

  unfollow(follower: Follower): void {
    this.#followers.delete(follower);
  }

  whenReached(seq: number, then: () => void): void {
    if (this.#reached(seq)) then();
    else this.#waiting.push({ seq, then });
  }

  /** The connection's status changed. */
  statusChanged(): void {
    for (const follower of [...this.#followers]) follower.moved(undefined);
  }

  /** Ends it; with an error, for a reason of the connection's. */
  close(error?: TidemarkError): void {
    this.stream.close(error);
    this.#moved(undefined);
  }

  #moved(update: Update | undefined): void {
    for (const follower of [...this.#followers]) follower.moved(update);
    const reset = update?.change?.cause === "reset";
    const waiting = this.#waiting;
    // A snapshot is at least as new as what was durable before it, or that history is gone.
    this.#waiting = reset ? [] : waiting.filter(({ seq }) => !this.#reached(seq));
    for (const wait of waiting) if (reset || this.#reached(wait.seq)) wait.then();
    if (this.stream.phase === "over") this.#options.over();
  }

  #reached(seq: number): boolean {
    return this.stream.phase === "over" || (this.position?.seq ?? -1) >= seq;
  }
}
