// Turns requests into calls of the engine, and what it throws into failures that can cross a thread. It decides
// nothing about files.
import { StoreError } from "../../document/document-store.js";
import { DamageError } from "./columns.js";
import { sqliteCode } from "./connection.js";
import type { Engine } from "./engine.js";
import { messageOf, refusal } from "./transact.js";
import type { WriterAnswer, WriterCalls, WriterEvent, WriterFailure, WriterRequest } from "./writer-calls.js";

/** Answers one request after another; `events` are those told since the last answer. */
export class WriterLoop {
  readonly #engine: Engine;
  readonly #close: () => void;
  readonly #takeEvents: () => readonly WriterEvent[];

  constructor(engine: Engine, parts: { close: () => void; takeEvents: () => readonly WriterEvent[] }) {
    this.#engine = engine;
    this.#close = parts.close;
    this.#takeEvents = parts.takeEvents;
  }

  answer(request: WriterRequest): WriterAnswer {
    const outcome = this.#outcome(request);
    const { id } = request;
    return { id, foldPending: this.#engine.foldPending, events: this.#takeEvents(), ...outcome };
  }

  #outcome(
    request: WriterRequest,
  ): { ok: true; value: WriterCalls[WriterRequest["op"]]["out"] } | { ok: false; failure: WriterFailure } {
    const always = request.op === "recover" || request.op === "close";
    if (!this.#engine.serving && !always) return { ok: false, failure: { kind: "recovering" } };
    try {
      return { ok: true, value: this.#perform(request) };
    } catch (error) {
      return { ok: false, failure: request.op === "recover" ? fatal(error) : failureOf(error) };
    }
  }

  #perform(request: WriterRequest): WriterCalls[WriterRequest["op"]]["out"] {
    const engine = this.#engine;
    switch (request.op) {
      case "append":
        return engine.append(request.input);
      case "load":
        return engine.load(request.input);
      case "read":
        return engine.read(request.input);
      case "epochAt":
        return engine.epochAt(request.input);
      case "saveSnapshot":
        return engine.saveSnapshot(request.input);
      case "trim":
        return engine.trim(request.input);
      case "receipts":
        return engine.receipts(request.input);
      case "list":
        return engine.list(request.input);
      case "fold":
        return engine.fold(request.input);
      case "recover":
        return engine.recover();
      case "credentials":
        return engine.credentials();
      case "revoke":
        return engine.revoke(request.input);
      case "noteUse":
        return engine.noteUse(request.input);
      case "facts":
        return engine.facts();
      case "close":
        this.#close();
        return undefined;
    }
  }
}

const fatal = (error: unknown): WriterFailure => ({ kind: "fatal", message: messageOf(error) });

function failureOf(error: unknown): WriterFailure {
  if (error instanceof StoreError) return { kind: "store", certainty: error.certainty, message: error.message };
  if (error instanceof DamageError) return { kind: "store", certainty: "failed", message: error.reason };
  if (sqliteCode(error) !== undefined) {
    const { certainty, message } = refusal(error);
    return { kind: "store", certainty, message };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { kind: "bug", message: stack ?? messageOf(error) };
}
