// One HTTP request and what it waits for: calls through the Documents port, each answered once, by the document or by
// what ended the wait (the deadline, a client that is gone, a server that stops). It never answers from memory of its own.
import type { ErrorCode, Json } from "@tidemark/protocol";
import type { DocumentName } from "../document/document-store.js";
import type { Answer, Call, Caller, Documents, Origin } from "../document/documents.js";
import type { CancelTimer, Runtime } from "../runtime/runtime.js";
import type { Identified } from "../session/identity.js";
import type { CallIdentity } from "./idempotency.js";

/** What an exchange needs. */
export interface ExchangeParts {
  readonly documents: Documents;
  readonly runtime: Runtime;
  readonly identity: Identified;
  /** How long its client waits; never past its token (R17). */
  readonly deadlineMs: number;
}

/** A document's position that a call is made under. */
export interface Condition {
  readonly seq: number;
  readonly epoch: number | undefined;
}

/** What is asked of a document. */
export interface Asked {
  readonly document: DocumentName;
  readonly name: string;
  readonly input: Json;
  /** Undefined: a query. */
  readonly identity: CallIdentity | undefined;
  /** Its place among the calls under that identity; default: it is the only one. */
  readonly place?: { readonly n: number; readonly of: number };
  readonly condition?: Condition | undefined;
}

/** Why nothing is waited for any more. */
export type Cut = Extract<ErrorCode, "deadline_exceeded" | "aborted" | "draining" | "revoked">;

/** Queries are nobody's: no receipt, no number. */
const READER = "reader";
const ONLY = { n: 1, of: 1 };

/** One request's dealings with documents. */
export class Exchange {
  identity: Identified;
  caller: Caller;
  readonly documents: Documents;
  readonly #runtime: Runtime;
  readonly #deadlineAtMs: number;
  readonly #waiting = new Set<(cut: Cut) => void>();
  #stopTimer: CancelTimer;
  #cut: Cut | undefined;

  constructor({ documents, runtime, identity, deadlineMs }: ExchangeParts) {
    this.documents = documents;
    this.#runtime = runtime;
    this.identity = identity;
    this.caller = identity;
    const untilMs = Math.min(deadlineMs, Math.max(0, identity.expiresAt - runtime.now()));
    this.#deadlineAtMs = runtime.now() + untilMs;
    this.#stopTimer = runtime.setTimer(untilMs, () => this.cut("deadline_exceeded"));
  }

  /** Its sender was asked about again: what follows is asked with the rights of now. */
  refreshed(identity: Identified): void {
    this.identity = identity;
    this.caller = identity;
  }

  /** Ends all waiting, for good: a message without an answer may have been applied, a query was nothing. */
  cut(cut: Cut): void {
    if (this.#cut !== undefined) return;
    this.#cut = cut;
    this.#stopTimer();
    for (const end of [...this.#waiting]) end(cut);
  }

  /** Asks; never rejects. Calls are handed on in the order of asking. */
  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.#cut !== undefined) return resolve({ kind: "no", code: this.#cut });
      const settle = (answer: Answer): void => {
        this.#waiting.delete(end);
        resolve(answer);
      };
      const kind = asked.identity === undefined ? "no" : "unknown";
      const end = (code: Cut): void => settle({ kind, code });
      this.#waiting.add(end);
      this.documents.call(this.#callOf(asked, settle));
    });
  }

  /** Keys of a type. Rejects with TidemarkError. */
  list(page: { type: string; after: string; limit: number }): ReturnType<Documents["list"]> {
    return this.documents.list({ caller: this.caller, ...page });
  }

  /** Resolves with `work`, or with why it is not waited for any more. It does not reject. */
  waitFor(work: Promise<void>): Promise<Cut | undefined> {
    return new Promise((resolve) => {
      if (this.#cut !== undefined) return resolve(this.#cut);
      const settle = (cut?: Cut): void => {
        this.#waiting.delete(settle);
        resolve(cut);
      };
      this.#waiting.add(settle);
      work.then(
        () => settle(),
        () => settle(),
      );
    });
  }

  /** Lets time pass; less when the waiting ends. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#cut !== undefined) return resolve();
      const over = (): void => {
        stop();
        this.#waiting.delete(over);
        resolve();
      };
      const stop = this.#runtime.setTimer(ms, over);
      this.#waiting.add(over);
    });
  }

  #callOf({ document, name, input, identity, place, condition }: Asked, settle: (answer: Answer) => void): Call {
    const { client, born, isFresh } = identity ?? { client: READER, born: this.#runtime.now(), isFresh: true };
    const { n, of: callsMax } = place ?? ONLY;
    // All copies come by the same "connection": each of them may be answered.
    const answer: Origin["answer"] = (_call, given) => settle(given);
    const origin: Origin = { caller: this.caller, client, conn: 1, callsMax, isFresh, answer };
    const call = {
      document,
      origin,
      n,
      name,
      input,
      query: identity === undefined,
      low: 0,
      born,
      ttlMs: this.#deadlineAtMs - born,
      ifSeq: condition?.seq,
    };
    return condition?.epoch === undefined ? call : { ...call, ifEpoch: condition.epoch };
  }
}
