// The server's half of liveness: a ping each interval that carries the position of every open subscription, and the
// watchdog over the bytes that come in. Heartbeats are messages: a browser answers ping frames for a frozen page.
import { type Heads, LIMITS, type ServerMessage } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { Rounds, Turning } from "./rounds.js";

/** A connection, as far as its heartbeat goes. */
export interface Beating {
  readonly receivedBytes: number;
  /** `[h, epoch, seq]` of each subscription that has something to compare. */
  heads(): Iterable<readonly [h: number, epoch: number, seq: number]>;
  send(message: ServerMessage): void;
  /** It beats: once each interval, before its ping. */
  beats(): void;
  /** Nothing came in for the watchdog's time. */
  silent(): void;
}

/** What a heartbeat beats for. */
export interface HeartbeatParts {
  readonly runtime: Runtime;
  readonly rounds: Rounds;
  readonly watchdogMs: number;
  readonly holder: Beating;
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

/** Beats until stopped. Times are whole milliseconds, which take no memory of their own. */
export class Heartbeat implements Turning {
  dueAtMs = 0;
  previous: Turning | undefined = undefined;
  next: Turning | undefined = undefined;
  readonly #runtime: Runtime;
  readonly #rounds: Rounds;
  readonly #watchdogMs: number;
  readonly #holder: Beating;
  readonly #oneWay: boolean;
  #k = 0;
  #bytesSeen = 0;
  #heardAtMs: number;
  readonly #fromMs: number;

  constructor({ runtime, rounds, watchdogMs, holder, oneWay }: HeartbeatParts) {
    this.#runtime = runtime;
    this.#rounds = rounds;
    this.#watchdogMs = watchdogMs;
    this.#holder = holder;
    this.#oneWay = oneWay;
    this.#fromMs = Math.floor(runtime.monotonicMs());
    this.#heardAtMs = this.#fromMs;
    rounds.join(this);
  }

  /** Pings at once, besides. */
  beatNow(): void {
    this.#ping();
  }

  stop(): void {
    this.#rounds.leave(this);
  }

  turn(): void {
    const nowMs = Math.floor(this.#runtime.monotonicMs());
    const bytes = this.#holder.receivedBytes;
    // Bytes count, not messages, so that a client that uploads is not called dead.
    if (bytes !== this.#bytesSeen) {
      this.#bytesSeen = bytes;
      this.#heardAtMs = nowMs;
    } else if (nowMs - this.#heardAtMs >= this.#watchdogMs) {
      return this.#holder.silent();
    }
    this.#rounds.join(this);
    this.#holder.beats();
    this.#ping();
  }

  #ping(): void {
    const holder = this.#holder;
    const ms = Math.floor(this.#runtime.monotonicMs()) - this.#fromMs;
    for (const list of headLists(holder.heads())) {
      this.#k += 1;
      holder.send(this.#oneWay ? ["ping", this.#k, list, { ms }] : ["ping", this.#k, list]);
    }
  }
}
