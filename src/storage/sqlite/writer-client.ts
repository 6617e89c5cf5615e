// The main thread's half of the line: matches answers to calls, keeps the fold going between them, and drives recovery
// after a commit in doubt. It knows calls, never documents.
//
//   serving -> recovering (a commit in doubt) -> serving
//   recovering -> refusing (10 s busy: calls are turned away, attempts go on) -> serving
//   any -> dead (the disk failed again, or the thread died);  any -> closed
import { OperatorError } from "@tidemark/protocol";
import { StoreError } from "../../document/document-store.js";
import { InvariantError } from "../../runtime/invariant.js";
import type { Runtime } from "../../runtime/runtime.js";
import type { WriterAnswer, WriterCalls, WriterEvent, WriterFailure, WriterOp, WriterRequest } from "./writer-calls.js";
import type { WriterLink } from "./writer-link.js";

const RECOVER_EVERY_MS = 100;
const RECOVER_PATIENCE_MS = 10_000;

/** What a store has to tell its server. */
export type StoreEvent =
  | WriterEvent
  | { readonly kind: "recovering"; readonly cause: string }
  | { readonly kind: "recovered"; readonly attempts: number }
  | { readonly kind: "failed"; readonly error: OperatorError };

type State =
  | { readonly kind: "serving" }
  | { readonly kind: "recovering"; readonly sinceMs: number; readonly waiting: (() => void)[]; attempts: number }
  | { readonly kind: "refusing"; attempts: number }
  | { readonly kind: "dead"; readonly error: OperatorError }
  | { readonly kind: "closed" };

interface Waiting {
  readonly request: WriterRequest;
  readonly resolve: (answer: WriterAnswer) => void;
}

export interface WriterClientOptions {
  readonly link: WriterLink;
  readonly runtime: Runtime;
  readonly file: string;
  readonly onEvent: (event: StoreEvent) => void;
}

export class WriterClient {
  readonly #options: WriterClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  #state: State = { kind: "serving" };
  #nextId = 1;
  #folding = false;

  constructor(options: WriterClientOptions) {
    this.#options = options;
    options.link.listen(
      (answer) => this.#onAnswer(answer),
      (cause) => this.#die(`its writer thread died: ${cause.message}`, cause),
    );
    for (const event of options.link.events) options.onEvent(event);
  }

  /** A read, or a write that may wait for recovery. Rejects with StoreError. */
  async call<Op extends WriterOp>(op: Op, input: WriterCalls[Op]["in"]): Promise<WriterCalls[Op]["out"]> {
    for (;;) {
      await this.#untilServing();
      const answer = await this.#send(op, input);
      if (answer.ok || answer.failure.kind !== "recovering") return this.#valueOf(op, answer);
      this.#startRecovery("another call's commit is in doubt");
    }
  }

  /** A write that is refused rather than kept waiting while the store recovers. */
  async callNow<Op extends WriterOp>(op: Op, input: WriterCalls[Op]["in"]): Promise<WriterCalls[Op]["out"]> {
    this.#refuseUnlessServing();
    return this.#valueOf(op, await this.#send(op, input));
  }

  /** Finishes what was sent, and ends the thread. */
  async close(): Promise<void> {
    const before = this.#state.kind;
    if (before === "closed") return;
    this.#leave({ kind: "closed" });
    if (before === "dead") return this.#options.link.terminate();
    await this.#send("close", undefined);
    await this.#options.link.ended();
  }

  #send<Op extends WriterOp>(op: Op, input: WriterCalls[Op]["in"]): Promise<WriterAnswer> {
    return new Promise((resolve) => {
      const request = { id: this.#nextId++, op, input } as WriterRequest;
      this.#waiting.set(request.id, { request, resolve });
      this.#options.link.send(request);
    });
  }

  #onAnswer(answer: WriterAnswer): void {
    for (const event of answer.events) this.#options.onEvent(event);
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting?.request.op === "fold") this.#folding = false;
    if (!answer.ok) this.#onFailure(answer.failure);
    waiting?.resolve(answer);
    if (answer.foldPending) this.#foldOn();
  }

  #onFailure(failure: WriterFailure): void {
    if (failure.kind === "fatal") this.#die(failure.message);
    if (failure.kind === "store" && failure.certainty === "indeterminate") this.#startRecovery(failure.message);
  }

  /** A slice of folding behind whatever has been sent: commits come between the slices. */
  #foldOn(): void {
    if (this.#folding || this.#state.kind !== "serving") return;
    this.#folding = true;
    void this.#send("fold", { now: this.#options.runtime.now() });
  }

  #startRecovery(cause: string): void {
    if (this.#state.kind !== "serving") return;
    const sinceMs = this.#options.runtime.monotonicMs();
    this.#state = { kind: "recovering", sinceMs, waiting: [], attempts: 0 };
    this.#options.onEvent({ kind: "recovering", cause });
    void this.#recover();
  }

  async #recover(): Promise<void> {
    const answer = await this.#send("recover", undefined);
    const state = this.#state;
    if (state.kind !== "recovering" && state.kind !== "refusing") return;
    state.attempts++;
    if (answer.ok && answer.value === "recovered") {
      this.#leave({ kind: "serving" });
      this.#options.onEvent({ kind: "recovered", attempts: state.attempts });
      return;
    }
    const outOfPatience =
      state.kind === "recovering" && this.#options.runtime.monotonicMs() - state.sinceMs >= RECOVER_PATIENCE_MS;
    if (outOfPatience) this.#leave({ kind: "refusing", attempts: state.attempts });
    this.#options.runtime.setTimer(RECOVER_EVERY_MS, () => void this.#recover());
  }

  #die(message: string, cause?: Error): void {
    if (this.#state.kind === "dead") return;
    const hint = "Look for disk errors in the system log, then start the server again: acknowledged writes are safe.";
    const error = new OperatorError("storage_failed", `${this.#options.file}: ${message}`, hint, { cause });
    const closed = this.#state.kind === "closed";
    if (!closed) this.#leave({ kind: "dead", error });
    for (const { request, resolve } of this.#waiting.values()) {
      const certainty = request.op === "append" || request.op === "saveSnapshot" ? "indeterminate" : "failed";
      const failure: WriterFailure = { kind: "store", certainty, message: error.message };
      resolve({ id: request.id, ok: false, failure, foldPending: false, events: [] });
    }
    this.#waiting.clear();
    if (!closed) this.#options.onEvent({ kind: "failed", error });
  }

  #leave(next: State): void {
    const before = this.#state;
    this.#state = next;
    if (before.kind === "recovering") for (const wake of before.waiting) wake();
  }

  async #untilServing(): Promise<void> {
    while (this.#state.kind === "recovering") {
      const { waiting } = this.#state;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    this.#refuseUnlessServing();
  }

  #refuseUnlessServing(): void {
    const state = this.#state;
    if (state.kind === "dead") throw new StoreError("failed", state.error.message, { cause: state.error });
    if (state.kind === "closed") throw new InvariantError("the store is closed");
    if (state.kind !== "serving") throw new StoreError("failed", "the store is recovering from a commit in doubt");
  }

  #valueOf<Op extends WriterOp>(op: Op, answer: WriterAnswer): WriterCalls[Op]["out"] {
    if (answer.ok) return answer.value as WriterCalls[Op]["out"];
    const { failure } = answer;
    if (failure.kind === "store") throw new StoreError(failure.certainty, failure.message);
    if (failure.kind === "bug") throw new InvariantError(`${op} failed in the writer: ${failure.message}`);
    throw new StoreError("failed", `the store is ${failure.kind}`);
  }
}
