// Which call leaves when: lanes keep the order of messages, the window bounds what is in flight, the budget what is sent
// again. It knows nothing of promises or answers' contents: calls.ts tells it what became of each call.
import type { CallExtension, CallMessage } from "@tidemark/protocol";
import { backOffMs } from "../connection/back-off.js";
import type { Platform } from "../platform/platform.js";
import { type Call, type Due, verdict } from "./call.js";
import { Lane } from "./lane.js";
import { RetryBudget } from "./retry-budget.js";
import { SendWindow } from "./send-window.js";
import type { Timers } from "./timers.js";

interface DispatchOptions {
  readonly platform: Platform;
  readonly timers: Timers;
  readonly isLive: () => boolean;
  /** False: no frame can hold it. */
  readonly send: (message: CallMessage) => boolean;
  /** When a call was born and how long it may wait; the same whenever asked. */
  readonly due: (call: Call) => Due;
  readonly tooLarge: (call: Call) => void;
  /** It waited here until no answer could come in time: nobody waits for it any more. */
  readonly tooLate: (call: Call) => void;
}

export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Queries that wait for a connection or for room. */
  readonly #queries = new Set<Call>();
  /** Lanes that wait for room, or for the budget. */
  readonly #blocked = new Set<Lane>();
  /** Sent, and waited for by nobody: they take room until their answers come. */
  readonly #abandoned = new Set<number>();
  readonly #budget = new RetryBudget();
  readonly #window = new SendWindow();
  #inFlight = 0;
  /** A lane that is being looked through needs nobody else to do so. */
  #pumped: Lane | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** Sent, and waited for by somebody. */
  get inFlight(): number {
    return this.#inFlight - this.#abandoned.size;
  }

  /** A connection is live that takes so many calls at once. Everything added goes, in order. */
  live(inFlightMax: number): void {
    this.#window.open(inFlightMax);
    for (const lane of this.#lanes.values()) this.#pump(lane);
    this.#pumpQueries();
  }

  /** The connection is gone, and answers with it: messages wait to be sent again, as do these queries. */
  down(queries: Iterable<Call>): void {
    this.#inFlight = 0;
    this.#abandoned.clear();
    this.#blocked.clear();
    for (const lane of this.#lanes.values()) lane.reset();
    for (const call of queries) {
      call.state = "queued";
      this.#queries.add(call);
    }
  }

  /** A new call. */
  add(call: Call): void {
    const { lane: name } = call.request;
    if (name === undefined) {
      this.#queries.add(call);
      this.#pumpQueries();
      return;
    }
    const lane = this.#lanes.get(name) ?? new Lane();
    this.#lanes.set(name, lane);
    lane.add(call);
    this.#pump(lane);
  }

  /** A copy was answered, but not for good: it is sent again, at the earliest after so long. */
  again(call: Call, afterMs: number): void {
    const { platform, timers } = this.#options;
    const nowMs = platform.monotonicMs();
    this.#window.refused(call.n, nowMs, this.#inFlight);
    const jitterMs = backOffMs(call.refusals++, platform.random());
    const lane = call.request.lane === undefined ? undefined : this.#lanes.get(call.request.lane);
    if (lane !== undefined) {
      this.#pumpAt(lane, lane.hold(call, nowMs + afterMs, jitterMs));
    } else {
      call.state = "queued";
      timers.after(afterMs + jitterMs, () => this.#askAgain(call));
    }
    this.#answered();
  }

  /** Nobody will say what became of a copy, which may be under way until then. Nobody refused it either: it is free. */
  lost(call: Call, untilMs: number): void {
    const { platform, timers } = this.#options;
    const lane = call.request.lane === undefined ? undefined : this.#lanes.get(call.request.lane);
    if (lane !== undefined) {
      lane.lost(call, untilMs);
      this.#pumpAt(lane, untilMs);
    } else {
      call.state = "queued";
      timers.after(backOffMs(call.copies, platform.random()), () => this.#askAgain(call));
    }
    this.#answered();
  }

  /** Nobody waits for it any more: `low` may pass it. `answered`: what it took of the window is free. */
  remove(call: Call, answered: boolean): void {
    this.#queries.delete(call);
    if (answered && call.refusals > 0) this.#budget.restore();
    const wasSent = call.state === "sent";
    if (wasSent && !answered) this.#abandoned.add(call.n);
    if (wasSent && answered) this.#window.answered(call.n, this.#options.platform.monotonicMs());
    const name = call.request.lane;
    const lane = name === undefined ? undefined : this.#lanes.get(name);
    lane?.remove(call);
    if (lane?.empty === true && name !== undefined) this.#lanes.delete(name);
    if (wasSent && answered) this.#answered();
    // The last answer that a hold waited for may be this one.
    if (lane !== undefined && !lane.empty && lane !== this.#pumped) this.#pump(lane);
  }

  /** An answer came. True: nobody waits for it. */
  isAbandoned(n: number): boolean {
    if (!this.#abandoned.delete(n)) return false;
    this.#window.answered(n, this.#options.platform.monotonicMs());
    this.#answered();
    return true;
  }

  #askAgain(call: Call): void {
    if (call.over || call.state !== "queued") return;
    this.#queries.add(call);
    this.#pumpQueries();
  }

  #pump(lane: Lane): void {
    if (!this.#options.isLive()) return;
    const pumped = this.#pumped;
    this.#pumped = lane;
    this.#sendFrom(lane);
    this.#pumped = pumped;
  }

  #sendFrom(lane: Lane): void {
    const { platform, due, tooLate } = this.#options;
    for (;;) {
      const nowMs = platform.monotonicMs();
      const call = lane.next(nowMs);
      if (call === undefined) return;
      if (verdict(call) === "rejected" && this.#window.isTooLate(call.deadlineMs - nowMs, due(call).ttl)) {
        tooLate(call);
        continue;
      }
      if (this.#inFlight >= this.#window.size || !this.#affordable(call, nowMs)) {
        this.#blocked.add(lane);
        return;
      }
      if (this.#transmit(call, lane.low)) lane.sent();
    }
  }

  /** Timers round: one that is early by a part of a millisecond must not leave the lane to itself. */
  #pumpAt(lane: Lane, untilMs: number): void {
    const { platform, timers } = this.#options;
    const leftMs = Math.max(0, Math.ceil(untilMs - platform.monotonicMs()));
    timers.after(leftMs, () => {
      if (platform.monotonicMs() < untilMs) this.#pumpAt(lane, untilMs);
      else this.#pump(lane);
    });
  }

  #pumpQueries(): void {
    const { platform, isLive } = this.#options;
    if (!isLive()) return;
    for (const call of this.#queries) {
      if (this.#inFlight >= this.#window.size) return;
      if (!this.#affordable(call, platform.monotonicMs())) continue;
      this.#queries.delete(call);
      if (!this.#transmit(call, undefined)) continue;
      call.state = "sent";
      call.copies++;
    }
  }

  /** First copies earn; what was refused takes from what they earned. Copies that a lost connection took are free. */
  #affordable(call: Call, nowMs: number): boolean {
    if (call.refusals === call.paidRefusals) {
      if (call.refusals === 0 && call.copies === 0) this.#budget.earn();
      return true;
    }
    const waitMs = this.#budget.spend(nowMs);
    if (waitMs === 0) {
      call.paidRefusals = call.refusals;
      return true;
    }
    this.#stopWaiting ??= this.#options.timers.after(waitMs, () => {
      this.#stopWaiting = undefined;
      this.#pumpBlocked();
    });
    return false;
  }

  #transmit(call: Call, low: number | undefined): boolean {
    const { request } = call;
    const { born, ttl } = this.#options.due(call);
    const extension: CallExtension = {
      ...(low === undefined ? { q: 1 } : { low }),
      born,
      ttl,
      ...(request.options?.ifSeq === undefined ? {} : { if: request.options.ifSeq }),
    };
    const target = request.view?.subscription ?? request.target;
    if (!this.#options.send(["c", call.n, target, request.name, call.input, extension])) {
      this.#options.tooLarge(call);
      return false;
    }
    this.#inFlight++;
    this.#window.sent(call.n, this.#options.platform.monotonicMs());
    return true;
  }

  /** An answer made room. */
  #answered(): void {
    this.#inFlight--;
    this.#pumpBlocked();
  }

  #pumpBlocked(): void {
    if (this.#blocked.size > 0) {
      const blocked = [...this.#blocked];
      this.#blocked.clear();
      for (const lane of blocked) this.#pump(lane);
    }
    this.#pumpQueries();
  }
}
