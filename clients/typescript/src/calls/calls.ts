// All calls of one client: numbers them, sends each under its number until it is answered for good, and never says
// `rejected` of what may have been applied (R8). Order within a document is the lane's; the socket is the wire's.
import {
  type CallExtension,
  type CallMessage,
  type ErrorCode,
  type Json,
  LIMITS,
  type NoMessage,
  type OkMessage,
  TidemarkError,
  type UnknownMessage,
} from "@tidemark/protocol";
import type { Sent } from "../api/call.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import { type Call, type CallRequest, receiptOf, unsettled, verdict } from "./call.js";
import { copyInput } from "./input.js";
import { Lane } from "./lane.js";

/** What calls need of the connection. */
export interface CallWire {
  readonly live: boolean;
  /** Undefined before the first `welcome`. */
  readonly serverNowMs: number | undefined;
  /** Why nothing can be sent any more. */
  readonly error: TidemarkError | undefined;
  start(): void;
  /** False: no frame can hold it. */
  send(message: CallMessage): boolean;
}

interface CallsOptions {
  readonly platform: Platform;
  readonly wire: CallWire;
  /** For calls that do not say otherwise. */
  readonly deadlineMs: number;
}

export class Calls {
  readonly #platform: Platform;
  readonly #wire: CallWire;
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Call>();
  readonly #lanes = new Map<string, Lane>();
  /** Queries that wait for a connection or for room. */
  readonly #queries = new Set<Call>();
  /** Lanes that wait for room. */
  readonly #blocked = new Set<Lane>();
  /** Sent, and waited for by nobody: they take room until their answers come. */
  readonly #abandoned = new Set<number>();
  readonly #timers = new Set<Cancel>();
  #nextN = 1;
  #inFlight = 0;
  #bornMs = 0;

  constructor(options: CallsOptions) {
    this.#platform = options.platform;
    this.#wire = options.wire;
    this.#deadlineMs = options.deadlineMs;
  }

  /** Sends a message or asks a query. Never throws: everything is in the promise. */
  call(request: CallRequest): Sent<Json | undefined> {
    const settled = unsettled();
    try {
      this.#accept(request, settled);
    } catch (error) {
      settled.reject(error);
    }
    return settled.sent;
  }

  /** A connection is live: what was not answered goes again, in order of n, under its number. */
  live(): void {
    for (const call of this.#pending.values()) call.due ??= this.#due(call);
    for (const lane of this.#lanes.values()) this.#pump(lane);
    this.#pumpQueries();
  }

  /** The connection is gone; answers of it will not come any more. */
  down(): void {
    this.#inFlight = 0;
    this.#abandoned.clear();
    this.#blocked.clear();
    for (const lane of this.#lanes.values()) lane.reset();
    for (const call of this.#pending.values()) {
      if (call.request.lane !== undefined) continue;
      call.state = "queued";
      this.#queries.add(call);
    }
  }

  /** An answer. Those to calls that nobody waits for are ignored. */
  receive(message: OkMessage | NoMessage | UnknownMessage): void {
    if (this.#abandoned.delete(message[1])) {
      this.#answered();
      return;
    }
    const call = this.#pending.get(message[1]);
    if (call === undefined || call.state !== "sent") return;
    switch (message[0]) {
      case "ok":
        this.#ok(call, message);
        return;
      case "no":
        this.#no(call, message);
        return;
      case "unk":
        this.#unknown(call, message);
        return;
    }
  }

  /** Ends everything that waits. */
  close(error: TidemarkError): void {
    for (const call of [...this.#pending.values()]) this.#fail(call, error.code, error.message);
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  // ------------------------------------------------------------------------------------------------ accepting

  #accept(request: CallRequest, settled: Call["settled"]): void {
    const { signal, deadlineMs = this.#deadlineMs } = request.options ?? {};
    if (this.#wire.error !== undefined) throw this.#wire.error;
    if (Number.isNaN(deadlineMs)) throw new TidemarkError("invalid_input", { message: "deadlineMs is not a number." });
    const input = copyInput(request.input);
    if (signal?.aborted === true) throw new TidemarkError("aborted", { cause: signal.reason });
    const waitMs = Math.max(0, Math.min(deadlineMs, LIMITS.requestHorizonMs));
    const call: Call = {
      n: this.#nextN++,
      request,
      input,
      copies: 0,
      state: "queued",
      due: undefined,
      deadlineMs: this.#platform.monotonicMs() + waitMs,
      settled,
      release: () => undefined,
    };
    call.release = this.#guard(call, waitMs, signal);
    this.#pending.set(call.n, call);
    if (this.#wire.serverNowMs !== undefined) call.due = this.#due(call);
    this.#enqueue(call);
    this.#wire.start();
  }

  #guard(call: Call, waitMs: number, signal: AbortSignal | undefined): () => void {
    const cancelTimer = this.#platform.setTimer(waitMs, () => this.#fail(call, "deadline_exceeded"));
    const abort = (): void => this.#fail(call, "aborted", undefined, signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    return () => {
      cancelTimer();
      signal?.removeEventListener("abort", abort);
    };
  }

  #enqueue(call: Call): void {
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

  /** `born` is fixed for all retries and never decreases with n, whatever the clock does. */
  #due(call: Call): { readonly born: number; readonly ttl: number } {
    this.#bornMs = Math.max(this.#bornMs, this.#wire.serverNowMs ?? this.#platform.now());
    const ttl = Math.max(0, Math.ceil(call.deadlineMs - this.#platform.monotonicMs()));
    return { born: this.#bornMs, ttl };
  }

  // ------------------------------------------------------------------------------------------------ sending

  #pump(lane: Lane): void {
    if (!this.#wire.live) return;
    for (;;) {
      const call = lane.next(this.#platform.monotonicMs());
      if (call === undefined) return;
      if (this.#inFlight >= LIMITS.inFlightMax) {
        this.#blocked.add(lane);
        return;
      }
      if (!this.#transmit(call, lane.low)) continue;
      lane.sent();
    }
  }

  #pumpQueries(): void {
    if (!this.#wire.live) return;
    for (const call of this.#queries) {
      if (this.#inFlight >= LIMITS.inFlightMax) return;
      this.#queries.delete(call);
      if (!this.#transmit(call, undefined)) continue;
      call.state = "sent";
      call.copies++;
    }
  }

  #transmit(call: Call, low: number | undefined): boolean {
    const { request } = call;
    call.due ??= this.#due(call);
    const extension: CallExtension = {
      ...(low === undefined ? { q: 1 } : { low }),
      ...call.due,
      ...(request.options?.ifSeq === undefined ? {} : { if: request.options.ifSeq }),
    };
    const target = request.view?.subscription ?? request.target;
    if (!this.#wire.send(["c", call.n, target, request.name, call.input, extension])) {
      this.#fail(call, "too_large", "The call does not fit into a frame.");
      return false;
    }
    this.#inFlight++;
    return true;
  }

  /** An answer made room. */
  #answered(): void {
    this.#inFlight--;
    const blocked = [...this.#blocked];
    this.#blocked.clear();
    for (const lane of blocked) this.#pump(lane);
    this.#pumpQueries();
  }

  // ------------------------------------------------------------------------------------------------ answers

  #ok(call: Call, [, , at, result]: OkMessage): void {
    this.#forget(call);
    const position = at === null ? undefined : { epoch: at[0], seq: at[1] };
    const resolve = (): void =>
      call.settled.resolve(result, position === undefined ? undefined : receiptOf(call, position));
    const { view } = call.request;
    if (view === undefined || position === undefined) {
      resolve();
      return;
    }
    // Known to be applied: past its deadline it is told even if the view has not caught up.
    const cancel = this.#after(Math.max(0, call.deadlineMs - this.#platform.monotonicMs()), resolve);
    view.whenReached(position.seq, () => {
      cancel();
      resolve();
    });
  }

  #no(call: Call, [, , code, message, refusal]: NoMessage): void {
    if (refusal.retry === "never") {
      this.#forget(call);
      call.settled.reject(new TidemarkError(code, { message, ...refusal }));
      return;
    }
    // This copy is certainly gone; earlier ones, on connections that were lost, may not be.
    call.copies--;
    this.#again(call, refusal.afterMs);
  }

  #unknown(call: Call, [, , code, uncertainty]: UnknownMessage): void {
    if (uncertainty.final !== true) {
      this.#again(call, uncertainty.afterMs);
      return;
    }
    this.#forget(call);
    call.settled.reject(new TidemarkError(code, { outcome: "unknown" }));
  }

  #again(call: Call, afterMs: number = CLIENT_LIMITS.refusedWaitMs): void {
    const lane = call.request.lane === undefined ? undefined : this.#lanes.get(call.request.lane);
    if (lane === undefined) call.state = "queued";
    else lane.hold(call, this.#platform.monotonicMs() + afterMs);
    this.#after(afterMs, () => {
      if (lane !== undefined) return this.#pump(lane);
      if (this.#pending.get(call.n) !== call || call.state !== "queued") return;
      this.#queries.add(call);
      this.#pumpQueries();
    });
    this.#answered();
    if (lane !== undefined) this.#pump(lane);
  }

  #after(delayMs: number, run: () => void): Cancel {
    const stop = (): void => {
      cancel();
      this.#timers.delete(stop);
    };
    const cancel = this.#platform.setTimer(delayMs, () => {
      this.#timers.delete(stop);
      run();
    });
    this.#timers.add(stop);
    return stop;
  }

  // ------------------------------------------------------------------------------------------------ endings

  #fail(call: Call, code: ErrorCode, message?: string, cause?: unknown): void {
    if (this.#pending.get(call.n) !== call) return;
    const outcome = verdict(call);
    if (call.state === "sent") this.#abandoned.add(call.n);
    this.#forget(call);
    const said = message === undefined ? {} : { message };
    call.settled.reject(new TidemarkError(code, { outcome, ...said, ...(cause === undefined ? {} : { cause }) }));
  }

  /** Nobody waits for it any more: `low` may pass it. */
  #forget(call: Call): void {
    call.release();
    this.#pending.delete(call.n);
    this.#queries.delete(call);
    const wasSent = call.state === "sent";
    const name = call.request.lane;
    const lane = name === undefined ? undefined : this.#lanes.get(name);
    lane?.remove(call);
    if (lane?.empty === true && name !== undefined) this.#lanes.delete(name);
    if (wasSent && !this.#abandoned.has(call.n)) this.#answered();
    // The last answer that a hold waited for may be this one.
    if (lane !== undefined && !lane.empty) this.#pump(lane);
  }
}
