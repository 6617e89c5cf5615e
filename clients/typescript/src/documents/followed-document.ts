// One document that is followed, however often it was opened: its stream, its openings, and the senders that wait for
// it to show their effect. It turns where the stream and the connection stand into the status applications see.
import { canonicalJson, type Json, type JsonObject, type TidemarkError } from "@tidemark/protocol";
import type { Staleness, Status } from "../api/document.js";
import type { Position } from "../api/position.js";
import type { Divergence } from "../api/stats.js";
import type { TideStatus } from "../api/tide.js";
import type { View } from "../calls/call.js";
import type { Tally } from "../liveness/tally.js";
import { LatePeers, type Peers, type PeersObserver, type PeersWire } from "../peers/peers.js";
import type { Platform } from "../platform/platform.js";
import type { Update } from "../stream/change.js";
import { Stream, type StreamRequest, type StreamWire } from "../stream/stream.js";

/** Equal for openings that share a stream. */
export const viewIdOf = ({ doc, params, every }: StreamRequest): string =>
  params === undefined && every === undefined ? doc : `${doc} ${every ?? ""} ${canonicalJson(params ?? {})}`;

/** One `open` of the document. */
export interface Follower {
  moved(update: Update | undefined): void;
  /** Others came or went, or show something else. */
  presenceMoved(): void;
  signalled(name: string, data: Json, peer: string): void;
}

/** What a followed document asks of the connection. */
export interface FollowedWire extends StreamWire, Omit<PeersWire, "send"> {
  readonly status: TideStatus;
  /** What the connection brought is no older than two heartbeats. */
  readonly trusted: boolean;
  /** When something last came, on the monotonic clock. */
  readonly heardMs: number;
}

interface FollowedOptions {
  readonly platform: Platform;
  readonly wire: FollowedWire;
  readonly tally: Tally;
  readonly request: StreamRequest;
  readonly since: Position | undefined;
  /** The stream has ended; nothing will come any more. */
  readonly over: () => void;
}

export class FollowedDocument implements View {
  readonly stream: Stream;
  readonly #peers: LatePeers;
  readonly #options: FollowedOptions;
  readonly #followers = new Set<Follower>();
  /** Where it stood when it was last looked at, for the time it spends there. */
  #stood: { readonly isLive: boolean; readonly sinceMs: number };
  /** When it was last known to be live, on the monotonic clock. */
  #liveUntilMs: number | undefined;
  #waiting: { readonly seq: number; readonly then: () => void }[] = [];

  constructor(options: FollowedOptions) {
    this.#options = options;
    this.#stood = { isLive: false, sinceMs: options.platform.monotonicMs() };
    const { platform, wire } = options;
    const peers = new LatePeers({ platform, wire, observer: this.#toAll });
    this.#peers = peers;
    this.stream = new Stream({ ...options, peers, observer: { moved: (update) => this.#moved(update) } });
  }

  get documentId(): string {
    return this.#options.request.doc;
  }

  /** Of this document, with these parameters, at this pace. */
  get viewId(): string {
    return viewIdOf(this.#options.request);
  }

  get params(): JsonObject | undefined {
    return this.#options.request.params;
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
    const { wire } = this.#options;
    if (wire.status === "offline") return "offline";
    if (this.state === undefined) return "connecting";
    return phase === "live" && !this.stream.isLeftOut && wire.trusted ? "live" : "stale";
  }

  /** This document's part among the others who follow it. */
  get peers(): Peers {
    return this.#peers.make();
  }

  /** Undefined while it is live, or nothing is shown, or nothing will come any more. */
  get staleness(): Staleness | undefined {
    const { status } = this;
    if ((status !== "stale" && status !== "offline") || this.state === undefined) return undefined;
    const { platform, wire } = this.#options;
    const liveUntilMs = this.#liveUntilMs ?? wire.heardMs;
    return { since: platform.now() - (platform.monotonicMs() - liveUntilMs), behind: this.stream.behind };
  }

  /** Counts the time up to now. */
  settleTally(): void {
    const { platform, tally } = this.#options;
    const nowMs = platform.monotonicMs();
    tally.passed(this.#stood.isLive, nowMs - this.#stood.sinceMs);
    this.#stood = { isLive: this.#stood.isLive, sinceMs: nowMs };
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
    this.#peers.made?.forget(follower);
  }

  whenReached(seq: number, then: () => void): void {
    if (this.#reached(seq)) {
      then();
      return;
    }
    this.stream.learned(seq);
    this.#waiting.push({ seq, then });
  }

  /** What is held turned out to be wrong between two frames: asks for a snapshot, and says so. */
  heal(kind: Divergence): void {
    this.stream.heal(kind);
    this.stream.settle()();
  }

  /** The connection's status changed. */
  statusChanged(): void {
    this.#note();
    for (const follower of [...this.#followers]) follower.moved(undefined);
  }

  /** Ends it; with an error, for a reason of the connection's. */
  close(error?: TidemarkError): void {
    this.settleTally();
    this.stream.close(error);
    this.#moved(undefined);
  }

  #moved(update: Update | undefined): void {
    this.#note();
    if (update?.change?.cause === "reset") this.#options.tally.reset(update.change.reason);
    for (const follower of [...this.#followers]) follower.moved(update);
    this.#peers.made?.settle();
    const reset = update?.change?.cause === "reset";
    const waiting = this.#waiting;
    // A snapshot is at least as new as what was durable before it, or that history is gone.
    this.#waiting = reset ? [] : waiting.filter(({ seq }) => !this.#reached(seq));
    for (const wait of waiting) if (reset || this.#reached(wait.seq)) wait.then();
    if (this.stream.phase === "over") this.#options.over();
  }

  readonly #toAll: PeersObserver = {
    presence: () => {
      for (const follower of [...this.#followers]) follower.presenceMoved();
    },
    signal: (name, data, peer) => {
      for (const follower of [...this.#followers]) follower.signalled(name, data, peer);
    },
  };

  #note(): void {
    const isLive = this.status === "live";
    if (isLive === this.#stood.isLive) return;
    this.settleTally();
    this.#stood = { ...this.#stood, isLive };
    this.#liveUntilMs = isLive ? undefined : this.#options.wire.heardMs;
  }

  #reached(seq: number): boolean {
    return this.stream.phase === "over" || (this.position?.seq ?? -1) >= seq;
  }
}
