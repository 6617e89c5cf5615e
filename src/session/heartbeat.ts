// The server's half of liveness: a ping each interval that carries the position of every open subscription, and the
// watchdog over the bytes that come in. Heartbeats are messages: a browser answers ping frames for a frozen page.
import { type Heads, LIMITS, type ServerMessage } from "@tidemark/protocol";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";

/** What a heartbeat beats for. */
export interface HeartbeatParts {
  readonly runtime: Runtime;
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  /** `[h, epoch, seq]` of each subscription that has something to compare. */
  readonly heads: () => Iterable<readonly [h: number, epoch: number, seq: number]>;
  readonly receivedBytes: () => number;
  readonly send: (message: ServerMessage) => void;
  /** Nothing came in for the watchdog's time. */
  readonly onSilent: () => void;
  /** Nobody answers: pings say when they were sent (STREAM-4). */
  readonly oneWay: boolean;
}

/** Positions in as many flat lists as messages are needed. The last has room for more, which shows that it is the last;
 * it may be empty. */
export function headLists(heads: Iterable<readonly [number, number, number]>): Heads[] {
  let list: number[] = [];
  const lists = [list];
  for (const head of heads) {
    list.push(...head);
    if (list.length < LIMITS.headsPerPing * head.length) continue;
    list = [];
    lists.push(list);
  }
  return lists;
}

/** Beats until stopped. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #cancel: CancelTimer;
  #k = 0;
  #bytesSeen = 0;
  #heardAt: number;
  readonly #fromMs: number;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#fromMs = parts.runtime.monotonicMs();
    this.#heardAt = this.#fromMs;
    this.#cancel = this.#next();
  }

  /** Pings at once, besides. */
  beatNow(): void {
    this.#ping();
  }

  stop(): void {
    this.#cancel();
  }

  #next(): CancelTimer {
    return this.#parts.runtime.setTimer(this.#parts.pingIntervalMs, () => this.#beat());
  }

  #beat(): void {
    const { runtime, watchdogMs, onSilent } = this.#parts;
    const bytes = this.#parts.receivedBytes();
    // Bytes count, not messages, so that a client that uploads is not called dead.
    if (bytes !== this.#bytesSeen) {
      this.#bytesSeen = bytes;
      this.#heardAt = runtime.monotonicMs();
    } else if (runtime.monotonicMs() - this.#heardAt >= watchdogMs) {
      return onSilent();
    }
    this.#ping();
    this.#cancel = this.#next();
  }

  #ping(): void {
    const { runtime, heads, send, oneWay } = this.#parts;
    const ms = Math.floor(runtime.monotonicMs() - this.#fromMs);
    for (const list of headLists(heads())) {
      this.#k += 1;
      send(oneWay ? ["ping", this.#k, list, { ms }] : ["ping", this.#k, list]);
    }
  }
}
