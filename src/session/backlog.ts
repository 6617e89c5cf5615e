// What one connection's streams still have to send while its peer is slow to take it: openings under way send on in turn
// as the socket drains, streams that were marked slow ask for an opening when there is room. A connection that takes
// nothing for too long ends (SLOW-4).
import { LIMITS } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { OutboundQueue } from "./outbound-queue.js";

/** A stream that waits for room. */
export interface Backlogged {
  /** Asks its document how to go on. `answered` is called once for each. */
  ask(): void;
  /** Sends the next of what it has. True: there is more. */
  sendOn(): boolean;
  /** Others may need what it holds, and its peer takes nothing. */
  yields(): void;
}

/** A connection, as far as its backlog goes. */
export interface BacklogHolder {
  /** The peer has not taken a byte for `LIMITS.slowReaderMs` although there were some. */
  stalled(): void;
}

/** What a backlog needs of its connection. */
export interface BacklogParts {
  readonly runtime: Runtime;
  readonly out: OutboundQueue;
  readonly holder: BacklogHolder;
}

/** So many openings of one connection are asked for at a time: none is made that has no room. */
const ASKED_MAX = 8;
/** So many are sent on in one turn, so that other connections get theirs. */
const SENT_MAX = 16;
/** How often a connection with a backlog is looked at, ms. */
const LOOK_MS = 1_000;
/** After so long without a byte taken, others have the better claim to what it holds, ms. */
const YIELD_MS = 5_000;

/** The streams of one connection that wait. */
export class Backlog {
  readonly #parts: BacklogParts;
  readonly #sending = new Set<Backlogged>();
  readonly #asking = new Set<Backlogged>();
  #asked = 0;
  #isScheduled = false;
  #isStopped = false;
  #look: CancelTimer | undefined = undefined;
  #takenBytes = 0;
  #movedAtMs = 0;

  constructor(parts: BacklogParts) {
    this.#parts = parts;
  }

  /** It has more to send. */
  send(stream: Backlogged): void {
    this.#sending.add(stream);
    this.#wait();
  }

  /** It has to ask. */
  ask(stream: Backlogged): void {
    this.#asking.add(stream);
    this.#wait();
  }

  /** One that asked has its answer, or does not want it any more. */
  answered(): void {
    this.#asked -= 1;
    if (this.#asking.size > 0) this.#schedule();
  }

  /** It waits for nothing any more. */
  leave(stream: Backlogged): void {
    this.#sending.delete(stream);
    this.#asking.delete(stream);
  }

  /** The socket has drained. */
  drained(): void {
    if (this.#isEmpty) return;
    this.#pump();
  }

  /** The connection holds more than it should, though no stream waits. */
  watch(): void {
    if (this.#look !== undefined || this.#isStopped) return;
    this.#takenBytes = this.#parts.out.takenBytes;
    this.#movedAtMs = this.#parts.runtime.monotonicMs();
    this.#lookLater();
  }

  /** The connection is gone. */
  stop(): void {
    this.#isStopped = true;
    this.#look?.();
    this.#sending.clear();
    this.#asking.clear();
  }

  get #isEmpty(): boolean {
    return this.#sending.size === 0 && this.#asking.size === 0;
  }

  #wait(): void {
    this.watch();
    this.#schedule();
  }

  /** After what is ready now has been handled: nobody's backlog goes before others' deltas. */
  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    this.#parts.runtime.defer(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (let turn = 0; turn < SENT_MAX && !this.#isStopped; turn += 1) {
      // The socket says when there is room again.
      if (!this.#hasRoom()) return;
      const isAsked = this.#askNext();
      const isSent = this.#sendNext();
      if (!isAsked && !isSent) return;
    }
    if (!this.#isEmpty) this.#schedule();
  }

  #hasRoom(): boolean {
    const { out } = this.#parts;
    if (out.unsentBytes < LIMITS.outboundAheadBytes) return true;
    out.flush();
    return out.unsentBytes < LIMITS.outboundAheadBytes;
  }

  #askNext(): boolean {
    const [stream] = this.#asking;
    if (stream === undefined || this.#asked >= ASKED_MAX) return false;
    this.#asking.delete(stream);
    this.#asked += 1;
    stream.ask();
    return true;
  }

  #sendNext(): boolean {
    const [stream] = this.#sending;
    if (stream === undefined) return false;
    this.#sending.delete(stream);
    if (stream.sendOn()) this.#sending.add(stream);
    return true;
  }

  #lookLater(): void {
    this.#look = this.#parts.runtime.setTimer(LOOK_MS, () => this.#lookNow());
  }

  #lookNow(): void {
    this.#look = undefined;
    const { out, runtime, holder } = this.#parts;
    const { unsentBytes, takenBytes } = out;
    if (this.#isEmpty && this.#asked === 0 && unsentBytes <= LIMITS.outboundSoftBytes) return;
    const nowMs = runtime.monotonicMs();
    if (takenBytes > this.#takenBytes || unsentBytes === 0) this.#movedAtMs = nowMs;
    this.#takenBytes = Math.max(this.#takenBytes, takenBytes);
    if (nowMs - this.#movedAtMs >= LIMITS.slowReaderMs) return holder.stalled();
    if (nowMs - this.#movedAtMs >= YIELD_MS) for (const stream of [...this.#sending]) stream.yields();
    this.#lookLater();
    this.#pump();
  }
}
