// All calls of one client: numbers them, keeps each under its number until it is answered for good, and never says
// `rejected` of what may have been applied (R8). When which of them leaves is the dispatch's; the socket is the wire's.
import {
  type CallMessage,
  type ErrorCode,
  type ErrorDetails,
  type Json,
  LIMITS,
  type NoMessage,
  type OkMessage,
  TidemarkError,
  type UnknownMessage,
} from "@tidemark/protocol";
import type { Sent } from "../api/call.js";
import type { LostCalls } from "../connection/line.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Platform } from "../platform/platform.js";
import {
  type Call,
  type CallRequest,
  type Due,
  type LeftCall,
  receiptOf,
  type Settled,
  unsettled,
  verdict,
} from "./call.js";
import { Dispatch } from "./dispatch.js";
import { copyInput } from "./input.js";
import { Timers } from "./timers.js";

/** What calls need of the connection. */
export interface CallWire {
  readonly live: boolean;
  /** Undefined before the first `welcome`, and while it cannot be told; never while live after `start`. */
  readonly serverNowMs: number | undefined;
  /** Why nothing can be sent any more. */
  readonly error: TidemarkError | undefined;
  start(): void;
  /** False: no frame can hold it. */
  send(message: CallMessage): boolean;
}

/** Where messages that are not answered yet outlive the page. */
export interface CallKeeper {
  /** A message is waited for, or has got its `due`. */
  keep(call: Call): void;
  /**
   * It is not waited for any more. Calls `then` once no later page can find it; `forgotten` is false when it could not
   * be taken out, so that somebody may still send it.
   */
  drop(call: Call, then: (forgotten: boolean) => void): void;
}

interface CallsOptions {
  readonly platform: Platform;
  readonly wire: CallWire;
  /** For calls that do not say otherwise. */
  readonly deadlineMs: number;
  readonly keeper?: CallKeeper | undefined;
}

export class Calls {
  readonly #platform: Platform;
  readonly #wire: CallWire;
  readonly #deadlineMs: number;
  readonly #keeper: CallKeeper | undefined;
  readonly #timers: Timers;
  readonly #dispatch: Dispatch;
  readonly #pending = new Map<number, Call>();
  #nextN = 1;
  #bornMs = 0;

  constructor(options: CallsOptions) {
    const { platform, wire } = options;
    this.#platform = platform;
    this.#wire = wire;
    this.#deadlineMs = options.deadlineMs;
    this.#keeper = options.keeper;
    this.#timers = new Timers(platform);
    this.#dispatch = new Dispatch({
      platform,
      timers: this.#timers,
      isLive: () => wire.live,
      send: (message) => wire.send(message),
      due: (call) => this.#due(call),
      tooLarge: (call) => this.#fail(call, "too_large", { message: "The call does not fit into a frame." }),
      tooLate: (call) => this.#fail(call, "deadline_exceeded"),
    });
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

  /**
   * Takes over what another page left, in order of n, to be sent under its numbers; `nowMs` is the server's clock.
   * Gives what settles with the answers.
   */
  adopt(left: readonly LeftCall[], nowMs: number): readonly Promise<unknown>[] {
    return left.map(({ n, request, input, due, leftMs }) => {
      const settled = unsettled();
      if (due !== undefined) this.#bornMs = Math.max(this.#bornMs, due.born);
      const waitMs = due === undefined ? leftMs : Math.max(0, due.born + due.ttl - nowMs);
      this.#take({ n, request, input, settled, due, waitMs });
      return settled.sent;
    });
  }

  /** A connection is live that takes so many calls at once: what was not answered goes again, under its number. */
  live(inFlightMax: number = LIMITS.inFlightMax): void {
    for (const call of this.#pending.values()) this.#due(call);
    this.#dispatch.live(inFlightMax);
  }

  /** The connection is gone; answers of it will not come any more. */
  down(): void {
    const queries = [...this.#pending.values()].filter(({ request }) => request.lane === undefined);
    this.#dispatch.down(queries);
  }

  /** An answer. Those to calls that nobody waits for are ignored. */
  receive(message: OkMessage | NoMessage | UnknownMessage): void {
    if (this.#dispatch.isAbandoned(message[1])) return;
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

  /** Nobody will answer these. */
  lost({ sent, unsent, untilMs }: LostCalls): void {
    for (const n of [...sent, ...unsent]) {
      if (this.#dispatch.isAbandoned(n)) continue;
      const call = this.#pending.get(n);
      if (call?.state !== "sent") continue;
      if (unsent.includes(n)) call.copies--;
      this.#dispatch.lost(call, untilMs);
    }
  }

  /** Ends everything that waits. */
  close(error: TidemarkError): void {
    for (const call of [...this.#pending.values()]) this.#fail(call, error.code, { message: error.message });
    this.#timers.stop();
  }

  /** Stops without telling anybody: what is kept stays kept. */
  abandon(): void {
    for (const call of this.#pending.values()) call.release();
    this.#pending.clear();
    this.#timers.stop();
  }

  // ------------------------------------------------------------------------------------------------ accepting

  #accept(request: CallRequest, settled: Settled): void {
    const { signal, deadlineMs = this.#deadlineMs } = request.options ?? {};
    if (this.#wire.error !== undefined) throw this.#wire.error;
    if (Number.isNaN(deadlineMs)) throw new TidemarkError("invalid_input", { message: "deadlineMs is not a number." });
    const input = copyInput(request.input);
    if (signal?.aborted === true) throw new TidemarkError("aborted", { cause: signal.reason });
    if (this.#pending.size - this.#dispatch.inFlight >= CLIENT_LIMITS.unsentCallsMax) throw tooMany();
    const waitMs = Math.max(0, Math.min(deadlineMs, LIMITS.requestHorizonMs));
    this.#wire.start();
    this.#take({ n: this.#nextN++, request, input, settled, due: undefined, waitMs });
  }

  #take(what: Pick<Call, "n" | "request" | "input" | "settled" | "due"> & { readonly waitMs: number }): void {
    const { n, request, input, settled, due, waitMs } = what;
    const call: Call = {
      n,
      request,
      input,
      copies: 0,
      refusals: 0,
      paidRefusals: 0,
      state: "queued",
      over: false,
      due,
      deadlineMs: this.#platform.monotonicMs() + waitMs,
      settled,
      release: () => undefined,
    };
    call.release = this.#guard(call, waitMs, request.options?.signal);
    this.#pending.set(n, call);
    if (due !== undefined || this.#wire.serverNowMs === undefined) this.#keep(call);
    else this.#due(call);
    this.#dispatch.add(call);
  }

  #guard(call: Call, waitMs: number, signal: AbortSignal | undefined): () => void {
    const cancelTimer = this.#platform.setTimer(waitMs, () => this.#fail(call, "deadline_exceeded"));
    if (signal === undefined) return cancelTimer;
    const abort = (): void => this.#fail(call, "aborted", { cause: signal.reason });
    signal.addEventListener("abort", abort, { once: true });
    return () => {
      cancelTimer();
      signal.removeEventListener("abort", abort);
    };
  }

  /** `born` is fixed for all retries and never decreases with n, whatever the clock does. */
  #due(call: Call): Due {
    if (call.due !== undefined) return call.due;
    this.#bornMs = Math.max(this.#bornMs, this.#wire.serverNowMs ?? this.#platform.now());
    const ttl = Math.max(0, Math.ceil(call.deadlineMs - this.#platform.monotonicMs()));
    call.due = { born: this.#bornMs, ttl };
    this.#keep(call);
    return call.due;
  }

  #keep(call: Call): void {
    if (call.request.lane !== undefined) this.#keeper?.keep(call);
  }

  // ------------------------------------------------------------------------------------------------ answers

  #ok(call: Call, [, , at, result]: OkMessage): void {
    const position = at === null ? undefined : { epoch: at[0], seq: at[1] };
    const resolve = (): void =>
      call.settled.resolve(result, position === undefined ? undefined : receiptOf(call, position));
    const { view } = call.request;
    this.#over(call, true, () => {
      if (view === undefined || position === undefined) {
        resolve();
        return;
      }
      // Known to be applied: past its deadline it is told even if the view has not caught up.
      const leftMs = Math.max(0, call.deadlineMs - this.#platform.monotonicMs());
      const cancel = this.#timers.after(leftMs, resolve);
      view.whenReached(position.seq, () => {
        cancel();
        resolve();
      });
    });
  }

  #no(call: Call, [, , code, message, refusal]: NoMessage): void {
    if (refusal.retry === "never") {
      this.#over(call, true, (forgotten) => reject(call, code, { message, ...refusal }, forgotten));
      return;
    }
    // This copy is certainly gone; earlier ones, on connections that were lost, may not be.
    call.copies--;
    this.#dispatch.again(call, refusal.afterMs ?? CLIENT_LIMITS.refusedWaitMs);
  }

  #unknown(call: Call, [, , code, uncertainty]: UnknownMessage): void {
    if (uncertainty.final !== true) {
      this.#dispatch.again(call, uncertainty.afterMs ?? CLIENT_LIMITS.refusedWaitMs);
      return;
    }
    this.#over(call, true, () => reject(call, code, {}, false));
  }

  #fail(call: Call, code: ErrorCode, said: ErrorDetails = {}): void {
    if (call.over) return;
    const outcome = verdict(call);
    this.#over(call, false, (forgotten) => reject(call, code, { outcome, ...said }, forgotten));
  }

  /** Nobody waits for it any more. The application hears of it when no later page can send it again. */
  #over(call: Call, answered: boolean, tell: (forgotten: boolean) => void): void {
    call.over = true;
    call.release();
    this.#pending.delete(call.n);
    this.#dispatch.remove(call, answered);
    if (this.#keeper === undefined || call.request.lane === undefined) tell(true);
    else this.#keeper.drop(call, tell);
  }
}

/** What may still be sent by somebody is not certainly never applied: R8. */
function reject(call: Call, code: ErrorCode, details: ErrorDetails, forgotten: boolean): void {
  call.settled.reject(new TidemarkError(code, forgotten ? details : { ...details, outcome: "unknown" }));
}

function tooMany(): TidemarkError {
  const { unsentCallsMax } = CLIENT_LIMITS;
  return new TidemarkError("limit_reached", {
    outcome: "rejected",
    message: `${unsentCallsMax} calls wait to be sent already.`,
    data: { limit: "unsentCallsMax", value: unsentCallsMax },
  });
}
