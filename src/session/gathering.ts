// All who follow one document whose type has signals or presence, whatever they see of it and at whatever pace: what one
// says goes to the others in the same bytes for all (SIG-2, PRES-4). It is made for such types only, and keeps nothing
// but who is present.
import { type Codec, type Json, LIMITS, type PresenceChange, type ServerMessage } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import { TokenBucket } from "../runtime/token-bucket.js";
import { frameOf } from "./frames.js";
import { PresentList, type Shown } from "./present-list.js";
import type { OutgoingFrame } from "./wire.js";

/** A subscriber, as far as the others go. */
export interface Participant {
  readonly codec: Codec;
  /** Takes a signal, if there is room for it. */
  hear(frame: OutgoingFrame): void;
  /** Takes what is said of those present up to a revision, or has itself detached. */
  hearPresence(frame: OutgoingFrame, rev: number): void;
}

/** A signal, and whose it is. */
export interface Signal {
  readonly name: string;
  readonly data: Json;
  readonly peer: string;
}

/** Those who follow the same document on other processes: hears what is said here. */
export interface Companion {
  shown(shown: Shown): void;
  hidden(id: string, holder: object, mayReturn: boolean): void;
  signalled(signal: Signal): void;
}

/** What a gathering needs. */
export interface GatheringParts {
  readonly handle: number;
  readonly runtime: Runtime;
  /** What the others know a principal by. */
  readonly peerOf: (id: string) => string;
}

/** The followers of one document among themselves. */
export class Gathering {
  readonly handle: number;
  readonly #parts: GatheringParts;
  readonly #everybody = new Map<Codec, Set<Participant>>();
  readonly #present = new PresentList();
  /** Those who were told everything up to the last step. */
  readonly #watching = new Map<Codec, Set<Participant>>();
  /** Those who wait for the list. */
  readonly #asking = new Set<Participant>();
  readonly #signals: TokenBucket;
  #rev = 0;
  /** The list at this revision, encoded. */
  #lists = new Map<Codec, OutgoingFrame>();
  #steppedAtMs = Number.NEGATIVE_INFINITY;
  #isStepping = false;
  #cancelStep: CancelTimer | undefined = undefined;
  #cancelEnd: CancelTimer | undefined = undefined;
  #isOver = false;
  #companion: Companion | undefined = undefined;

  constructor(parts: GatheringParts) {
    this.#parts = parts;
    this.handle = parts.handle;
    const perSecond = LIMITS.signalMessagesPerSecond;
    this.#signals = new TokenBucket({ runtime: parts.runtime, perSecond, burst: perSecond });
  }

  /** What the others know a principal by. */
  peerOf(id: string): string {
    return this.#parts.peerOf(id);
  }

  /** Tells it from now on what is said here. */
  accompany(companion: Companion): void {
    this.#companion = companion;
  }

  /** Hears signals from now on. */
  attach(participant: Participant): void {
    add(this.#everybody, participant);
  }

  /** Hears nothing more. */
  detach(participant: Participant): void {
    remove(this.#everybody, participant);
    remove(this.#watching, participant);
    this.#asking.delete(participant);
  }

  /** Sends a signal to all but the one who gave it. False: there are too many. */
  signal(from: Participant, signal: Signal): boolean {
    if (!this.#pass(signal, from)) return false;
    this.#companion?.signalled(signal);
    return true;
  }

  /** Sends on what was signalled on another process, unless there is too much. */
  takeSignal(signal: Signal): void {
    this.#pass(signal, undefined);
  }

  /** Is told who is present: the list first, then what changes. Asking again brings the list again. */
  watch(participant: Participant): void {
    remove(this.#watching, participant);
    this.#asking.add(participant);
    this.#stepSoon();
  }

  /** Is told nothing more of those present. */
  unwatch(participant: Participant): void {
    remove(this.#watching, participant);
    this.#asking.delete(participant);
  }

  /** Somebody shows something. */
  show(shown: Shown): void {
    this.takeShown(shown);
    this.#companion?.shown(shown);
  }

  /** Somebody shows something on another process. */
  takeShown(shown: Shown): void {
    this.#present.show(shown);
    this.#stepSoon();
  }

  /** Somebody shows nothing any more. `mayReturn`: they were cut off. */
  hide(id: string, holder: object, mayReturn: boolean): void {
    this.takeHidden(id, holder, mayReturn);
    this.#companion?.hidden(id, holder, mayReturn);
  }

  /** The same on another process. */
  takeHidden(id: string, holder: object, mayReturn: boolean): void {
    const awayUntilMs = this.#parts.runtime.monotonicMs() + LIMITS.presenceGraceMs;
    this.#present.hide(id, holder, mayReturn ? awayUntilMs : undefined);
    if (mayReturn) this.#endLater();
    this.#stepSoon();
  }

  /** The document is unloaded. */
  stop(): void {
    this.#isOver = true;
    this.#cancelStep?.();
    this.#cancelEnd?.();
  }

  #pass({ name, data, peer }: Signal, from: Participant | undefined): boolean {
    let others = from === undefined ? 0 : -1;
    for (const same of this.#everybody.values()) others += same.size;
    if (this.#signals.take(Math.min(others, LIMITS.signalMessagesPerSecond)) > 0) return false;
    for (const [codec, same] of this.#everybody) {
      const frame = encoded(codec, ["sig", this.handle, name, data, peer]);
      for (const participant of same) if (participant !== from) participant.hear(frame);
    }
    return true;
  }

  get #watchers(): number {
    let count = this.#asking.size;
    for (const same of this.#watching.values()) count += same.size;
    return count;
  }

  /** The first change after a while is told at once, with all else that comes in this turn; in a crowd so seldom that
   * telling it is no more work than a process can do beside others. */
  #stepSoon(): void {
    if (this.#isStepping || this.#isOver) return;
    const watchers = this.#watchers;
    if (watchers === 0) return;
    this.#isStepping = true;
    const { runtime } = this.#parts;
    const crowdMs = (watchers * 1_000) / LIMITS.presenceMessagesPerSecond;
    const inMs = this.#steppedAtMs + Math.max(LIMITS.presenceIntervalMs, crowdMs) - runtime.monotonicMs();
    if (inMs <= 0) runtime.defer(() => this.#step());
    else this.#cancelStep = runtime.setTimer(inMs, () => this.#step());
  }

  #step(): void {
    this.#isStepping = false;
    if (this.#isOver) return;
    this.#steppedAtMs = this.#parts.runtime.monotonicMs();
    const change = this.#present.step();
    if (change !== undefined) this.#tell(change);
    for (const participant of [...this.#asking]) {
      this.#asking.delete(participant);
      add(this.#watching, participant);
      participant.hearPresence(this.#list(participant.codec), this.#rev);
    }
  }

  #tell(change: PresenceChange): void {
    this.#rev += 1;
    this.#lists = new Map();
    for (const [codec, same] of this.#watching) {
      const frame = encoded(codec, ["pres", this.handle, this.#rev, change]);
      for (const participant of same) participant.hearPresence(frame, this.#rev);
    }
  }

  /** The same bytes for all who ask for it at this revision. */
  #list(codec: Codec): OutgoingFrame {
    const known = this.#lists.get(codec);
    if (known !== undefined) return known;
    const { all, count } = this.#present;
    const frame = encoded(codec, ["pres", this.handle, this.#rev, { all, count }]);
    this.#lists.set(codec, frame);
    return frame;
  }

  /** Looks again when the time of the first of those who are away is over. */
  #endLater(): void {
    const endMs = this.#present.nextEndMs;
    if (this.#cancelEnd !== undefined || endMs === undefined || this.#isOver) return;
    const { runtime } = this.#parts;
    this.#cancelEnd = runtime.setTimer(Math.max(0, Math.ceil(endMs - runtime.monotonicMs())), () => {
      this.#cancelEnd = undefined;
      this.#present.expire(runtime.monotonicMs());
      this.#stepSoon();
      this.#endLater();
    });
  }
}

const encoded = (codec: Codec, message: ServerMessage): OutgoingFrame => frameOf(codec, [codec.encode(message)]);

function add(to: Map<Codec, Set<Participant>>, participant: Participant): void {
  const same = to.get(participant.codec);
  if (same === undefined) to.set(participant.codec, new Set([participant]));
  else same.add(participant);
}

function remove(from: Map<Codec, Set<Participant>>, participant: Participant): void {
  from.get(participant.codec)?.delete(participant);
}
