// One document as the server sends it: opens it on each connection, applies what fits, heals what does not. It decides
// when to ask again; what is held is the replica's, what the application hears is its observer's.
import {
  type CloseMessage,
  type Codec,
  type DeltaMessage,
  type Ended,
  type HeldPosition,
  LIMITS,
  type Open,
  type Opened,
  type OpenMessage,
  type PartMessage,
  type PresentMessage,
  type ProtocolFault,
  type SignalMessage,
  type SnapMessage,
  TidemarkError,
} from "@tidemark/protocol";
import type { Position } from "../api/position.js";
import type { Divergence } from "../api/stats.js";
import { backOffMs } from "../connection/back-off.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Tally } from "../liveness/tally.js";
import type { LatePeers } from "../peers/peers.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { Update } from "./change.js";
import { Replica } from "./replica.js";
import { liveSince, type StreamState } from "./stream-state.js";
import { Transfer } from "./transfer.js";

/** What a stream needs of the connection. */
export interface StreamWire {
  readonly codec: Codec;
  readonly live: boolean;
  /** A subscription number that was never used. */
  nextSubscription(): number;
  send(message: OpenMessage | CloseMessage | SignalMessage | PresentMessage): void;
  /** From now on messages for these handles, and for `s`, are this stream's. */
  route(stream: Stream, s: number, handles: readonly number[]): void;
  unroute(s: number, handles: readonly number[]): void;
  /** Asks for an answer, unless one is awaited: it says whether heads leave anything out. */
  beat(): void;
  /** This connection carries nothing: make another. */
  restart(): void;
}

/** What is asked for, on each connection anew. */
export type StreamRequest = Omit<Open, "s" | "at" | "presence">;

/** Whom a stream tells. Never called in the middle of a frame. */
export interface StreamObserver {
  /** Something may have moved: the phase, the position, or what `update` says. */
  moved(update: Update | undefined): void;
}

export interface StreamOptions {
  readonly platform: Platform;
  readonly wire: StreamWire;
  readonly request: StreamRequest;
  /** Behind which to begin; undefined: with what there is. */
  readonly since: Position | undefined;
  readonly observer: StreamObserver;
  readonly peers: LatePeers;
  readonly tally: Tally;
}

export class Stream {
  readonly #options: StreamOptions;
  readonly #replica: Replica;
  /** Snapshots of this opening that come in parts, by layer. */
  readonly #transfers = new Map<number, { readonly snap: SnapMessage; readonly transfer: Transfer }>();
  #state: StreamState = { kind: "down" };
  /** How what is held was found wrong: it is not resumed from until a reset is complete. */
  #doubt: Divergence | undefined;
  /** The greatest seq heard of since it was last live: what is held may be that far behind. */
  #knownSeq = 0;
  /** Times in a row that opening, or what came of it, failed. */
  #failures = 0;
  /** When the first payload that is awaited was asked for, or last came nearer; on the monotonic clock. */
  #movedMs = 0;
  /** Rounds of heads in a row that did not name this stream and count. */
  #absentRounds = 0;
  #isLeftOut = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#replica = new Replica(options.since);
  }

  get replica(): Replica {
    return this.#replica;
  }

  get phase(): StreamState["kind"] {
    return liveSince(this.#state) === undefined ? this.#state.kind : "live";
  }

  get error(): TidemarkError | undefined {
    return this.#state.kind === "over" ? this.#state.error : undefined;
  }

  /** The number of the live subscription. */
  get subscription(): number | undefined {
    return this.#state.kind === "live" ? this.#state.s : undefined;
  }

  /** Commits known to be missing; undefined: unknown, because nothing was heard or it is another history. */
  get behind(): number | undefined {
    const { position } = this.#replica;
    if (position === undefined || this.#doubt === "otherHistory") return undefined;
    return this.#knownSeq > position.seq ? this.#knownSeq - position.seq : undefined;
  }

  /** The document is known to be at this seq, or beyond. */
  learned(seq: number): void {
    this.#knownSeq = Math.max(this.#knownSeq, seq);
  }

  /** Flat heads of what is held, for the server's figures; empty unless live. */
  get heads(): readonly number[] {
    if (this.#state.kind !== "live") return [];
    return this.#state.handles.flatMap((handle, layer) => {
      const head = this.#replica.head(layer);
      return head === undefined ? [] : [handle, head.epoch, head.seq];
    });
  }

  /** A connection is live. */
  connected(): void {
    if (this.#state.kind === "down") this.#open();
  }

  /** The connection goes on by another request: what to ask for, from what is held, which stays as live as it is.
   * Undefined: nothing now. */
  renew(): Open | undefined {
    const state = this.#state;
    if (state.kind === "over" || state.kind === "pausing") return undefined;
    this.#leave();
    const fromMs = state.kind === "opening" ? state.fromMs : this.#options.platform.monotonicMs();
    return this.#ask({ fromMs, liveSinceMs: liveSince(state) });
  }

  /** The connection is gone. */
  cut(): void {
    if (this.#state.kind === "over") return;
    this.#forgive();
    this.#leave();
    this.#state = { kind: "down" };
  }

  /** Nobody follows it any more; or, with an error, nobody can. */
  close(error?: TidemarkError): void {
    if (this.#state.kind === "over") return;
    this.#giveUp();
    this.#state = { kind: "over", error };
  }

  // ------------------------------------------------------------------------------------------------ messages

  opened(opened: Opened): void {
    const state = this.#state;
    if ((state.kind !== "opening" && state.kind !== "live") || state.s !== opened.s) return;
    const { wire } = this.#options;
    this.#transfers.clear();
    const running = state.kind === "live";
    const again = state.handles.length > 0;
    if (!this.#replica.opened(opened, { running, again, healing: this.#doubt !== undefined })) {
      this.heal("gap");
      return;
    }
    // Later, or of a later time that has gone on from elsewhere: only the log tells.
    if (this.#doubt === "behind" && opened.gap === true) this.#doubt = "otherHistory";
    wire.unroute(state.s, state.handles);
    wire.route(this, state.s, opened.h);
    const { peers } = this.#options;
    (opened.peers === undefined ? peers.made : peers.make())?.opened(opened);
    this.named();
    const fromMs = state.kind === "opening" ? state.fromMs : this.#options.platform.monotonicMs();
    const late = state.kind === "opening" ? state.late : this.#deadline(state.s);
    // What is held is no longer gone on from.
    const liveSinceMs = state.kind === "opening" && this.#replica.whole ? state.liveSinceMs : undefined;
    this.#state = { kind: "opening", s: state.s, handles: opened.h, fromMs, late, liveSinceMs };
    this.#settleIfWhole();
  }

  snap(layer: number, message: SnapMessage): void {
    const parts = message[5];
    const isExpected = !this.#transfers.has(layer);
    if (isExpected && parts !== undefined) {
      this.#transfers.set(layer, { snap: message, transfer: new Transfer(this.#options.wire.codec, parts) });
    } else if (isExpected && this.#replica.snap(layer, message)) {
      this.#settleIfWhole();
    } else {
      this.heal("gap");
    }
  }

  part(layer: number, [, , index, slice]: PartMessage): void {
    this.#movedMs = this.#options.platform.monotonicMs();
    const under = this.#transfers.get(layer);
    const taken = under?.transfer.take(index, slice);
    if (under === undefined || taken === undefined || taken.kind === "wrong") {
      this.heal("gap");
    } else if (taken.kind === "state") {
      const [type, handle, epoch, seq] = under.snap;
      this.#transfers.delete(layer);
      this.snap(layer, [type, handle, epoch, seq, taken.state]);
    }
  }

  delta(layer: number, message: DeltaMessage): void {
    // Its server has taken it up again (SLOW-2): asks whether this is all.
    if (this.#isLeftOut) this.#options.wire.beat();
    if (this.#replica.delta(layer, message)) return;
    this.learned(message[3]);
    this.heal("gap");
  }

  ended({ code, retry, afterMs, data }: Ended): void {
    if (this.#state.kind === "over") return;
    this.#forgive();
    this.#leave();
    if (retry !== "never") {
      this.#failures++;
      this.#pause(afterMs ?? this.#backOffMs());
      return;
    }
    if (code === "denied") {
      this.#replica.erase();
      this.#options.peers.made?.erase();
    }
    this.#state = { kind: "over", error: new TidemarkError(code, data === undefined ? {} : { data }) };
  }

  /** What the server says it has sent on a handle: R13. Undefined: it is what is held. */
  difference(layer: number, epoch: number, seq: number): Divergence | undefined {
    const held = this.#state.kind === "live" ? this.#replica.head(layer) : undefined;
    if (held === undefined || (held.epoch === epoch && held.seq === seq)) return undefined;
    if (seq > held.seq && epoch >= held.epoch) return "behind";
    return epoch === held.epoch ? "ahead" : "otherHistory";
  }

  /** The newest heads left it out: there may be more than it was sent. */
  get isLeftOut(): boolean {
    return this.#isLeftOut;
  }

  /** A head was about it. */
  named(): void {
    this.takenUp();
    this.#absentRounds = 0;
  }

  /** The newest heads leave out nothing. */
  takenUp(): void {
    this.#isLeftOut = false;
  }

  /** A round of heads is over without it. After two that count it is opened again. */
  leftOut(counts: boolean): void {
    if (this.#state.kind !== "live") return;
    this.#isLeftOut = true;
    if (!counts || ++this.#absentRounds < 2) return;
    this.#options.tally.absent();
    this.#reopen();
  }

  /** A signal, or what was to be shown, was refused: the application's mistake, which nobody waits to hear of. */
  refused({ code, message, afterMs, data, about }: ProtocolFault): void {
    const { platform, request } = this.#options;
    const what = about === "sig" ? "signal" : "presence";
    const details = { ...(afterMs === undefined ? {} : { afterMs }), ...(data === undefined ? {} : { data }) };
    platform.warn(new TidemarkError(code, { message: `${what} of ${request.doc}: ${message}`, ...details }));
  }

  /** What is held cannot be trusted, or be gone on from: asks for a snapshot. */
  heal(kind: Divergence): void {
    if (this.#state.kind !== "opening" && this.#state.kind !== "live") return;
    this.#doubt ??= kind;
    this.#replica.tear();
    this.#reopen();
  }

  /** At the end of a frame: what there is to tell, once every stream of the frame has moved. */
  settle(): () => void {
    const update = this.#replica.takeUpdate();
    return () => this.#options.observer.moved(update);
  }

  // ------------------------------------------------------------------------------------------------ opening

  #open(): void {
    const { wire, platform } = this.#options;
    if (!wire.live) {
      this.#state = { kind: "down" };
      return;
    }
    wire.send(["open", this.#ask({ fromMs: platform.monotonicMs(), liveSinceMs: undefined })]);
  }

  #ask(since: { readonly fromMs: number; readonly liveSinceMs: number | undefined }): Open {
    const { wire, request, peers } = this.#options;
    const s = wire.nextSubscription();
    const at = this.#claim();
    const late = this.#deadline(s, since.liveSinceMs === undefined ? LIMITS.firstPayloadMs : CLIENT_LIMITS.renewalMs);
    this.#state = { kind: "opening", s, handles: [], late, ...since };
    this.#absentRounds = 0;
    wire.route(this, s, []);
    const presence = peers.made?.wanted;
    peers.made?.opening(s);
    return {
      s,
      ...request,
      ...(at === undefined ? {} : { at }),
      ...(presence === undefined ? {} : { presence }),
    };
  }

  #claim(): readonly HeldPosition[] | undefined {
    const held = this.#replica.held;
    return this.#doubt !== undefined ? held?.map(([epoch, seq]): HeldPosition => [epoch, seq, "!"]) : held;
  }

  /** Of the first payload; each part of it that comes begins it anew. */
  #deadline(s: number, waitMs: number = LIMITS.firstPayloadMs): Cancel {
    const { platform } = this.#options;
    this.#movedMs = platform.monotonicMs();
    const check = (): void => {
      const leftMs = Math.ceil(this.#movedMs + waitMs - platform.monotonicMs());
      if (leftMs > 0) cancel = platform.setTimer(leftMs, check);
      else if (this.#state.kind === "opening" && this.#state.s === s) this.#late();
    };
    let cancel = platform.setTimer(waitMs, check);
    return () => cancel();
  }

  #late(): void {
    this.#options.tally.late();
    // The first time it may be this stream; the second time it is the connection.
    if (this.#failures > 0) this.#options.wire.restart();
    else this.#reopen();
    this.settle()();
  }

  #settleIfWhole(): void {
    if (this.#state.kind !== "opening" || !this.#replica.whole) return;
    const { platform, tally } = this.#options;
    const { s, handles, late, fromMs, liveSinceMs } = this.#state;
    late();
    const nowMs = platform.monotonicMs();
    if (liveSinceMs === undefined) tally.firstPayload(nowMs - fromMs);
    const sinceMs = liveSinceMs ?? nowMs;
    if (this.#doubt !== undefined) tally.healed(this.#doubt);
    this.#doubt = undefined;
    this.#knownSeq = 0;
    this.#state = { kind: "live", s, handles, sinceMs };
  }

  /** Once at once; then, should the server keep contradicting itself, ever less often. */
  #reopen(): void {
    this.#forgive();
    this.#giveUp();
    if (this.#failures++ === 0) this.#open();
    else this.#pause(this.#backOffMs());
  }

  /** What has worked for a while starts anew. */
  #forgive(): void {
    const sinceMs = liveSince(this.#state);
    if (sinceMs === undefined) return;
    const livedMs = this.#options.platform.monotonicMs() - sinceMs;
    if (livedMs >= LIMITS.pingIntervalMs) this.#failures = 0;
  }

  #pause(delayMs: number): void {
    const due = this.#options.platform.setTimer(delayMs, () => {
      this.#open();
      this.settle()();
    });
    this.#state = { kind: "pausing", due };
  }

  #backOffMs(): number {
    return backOffMs(this.#failures, this.#options.platform.random());
  }

  /** Leaves the server's subscription, if there is one. */
  #giveUp(): void {
    const state = this.#state;
    this.#leave();
    const open = state.kind === "opening" || state.kind === "live";
    if (open && this.#options.wire.live) this.#options.wire.send(["close", state.s]);
  }

  #leave(): void {
    const state = this.#state;
    // Megabytes, perhaps, that nobody will ask for while there is no connection.
    this.#transfers.clear();
    this.#replica.abandonReset();
    if (state.kind === "pausing") state.due();
    if (state.kind !== "opening" && state.kind !== "live") return;
    if (state.kind === "opening") state.late();
    this.#options.peers.made?.left();
    this.#options.wire.unroute(state.s, state.handles);
  }
}
