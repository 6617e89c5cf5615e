// One document as a pure state machine: state and a message in, a transaction out. It knows no clock, no store, no
// socket and no other document; time and chance come in with the runtime it is handed.
import { type ErrorCode, type Json, type JsonObject, LIMITS, type PatchOperation, type Principal } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { RefusedAnswer } from "./documents.js";
import type { CompiledInput, InputIssue } from "./definition/compiled-input.js";
import type { ResolvedMessage, ResolvedQuery, ResolvedType } from "./definition/resolved-type.js";
import { InvalidStateError } from "./recorder/invalid-state.js";
import { readOnly } from "./recorder/read-only.js";
import { type Recording, record } from "./recorder/recorder.js";
import { detachedJson, RejectSignal, TransactionContext } from "./transaction-context.js";

/** What a message did: all of it, or nothing but a refusal. */
export type Execution =
  | {
      readonly kind: "applied";
      readonly operations: readonly PatchOperation[];
      readonly operationsJson: string;
      readonly eventsJson: string | undefined;
      readonly resultJson: string | undefined;
    }
  | { readonly kind: "refused"; readonly answer: RefusedAnswer; readonly thrown?: unknown };

/** What a query found. */
export type QueryExecution =
  | { readonly kind: "answered"; readonly resultJson: string | undefined }
  | { readonly kind: "refused"; readonly answer: RefusedAnswer; readonly thrown?: unknown };

/** One request to the pure document. */
export interface Invocation {
  readonly name: string;
  readonly input: Json;
  readonly caller: Principal;
  readonly now: number;
}

const refused = (code: ErrorCode, details: Omit<RefusedAnswer, "code"> = {}): { kind: "refused"; answer: RefusedAnswer } => ({
  kind: "refused",
  answer: { code, ...details },
});

/** The live state of a document and the code that may change it. */
export class Document {
  readonly type: ResolvedType;
  readonly key: string;
  readonly #runtime: Runtime;
  readonly #root: JsonObject;
  #seq: number;

  constructor(parts: { type: ResolvedType; key: string; runtime: Runtime; state: JsonObject; seq: number }) {
    this.type = parts.type;
    this.key = parts.key;
    this.#runtime = parts.runtime;
    this.#root = parts.state;
    this.#seq = parts.seq;
  }

  /** Seq of the last transaction in memory; the disk may be behind. */
  get seq(): number {
    return this.#seq;
  }

  /** The whole state as JSON text. */
  stateJson(): string {
    return JSON.stringify(this.#root);
  }

  /** Runs `ask` on a read-only state that is dead afterwards. */
  read<Result>(ask: (state: object) => Result): Result {
    const { view, revoke } = readOnly<object>(this.#root);
    try {
      return ask(view);
    } finally {
      revoke();
    }
  }

  /** Executes a message; on anything but `applied` the state and the seq are as they were. */
  execute(invocation: Invocation): Execution {
    const message = this.type.messages.get(invocation.name);
    if (message === undefined) return refused("unknown_message", { data: invocation.name });
    const input = parseInput(message.input, invocation.input);
    if (!input.ok) return refused("invalid_input", { data: issueData(input.issues) });
    try {
      if (message.can !== undefined && !this.#allows(message, invocation, input.value)) return refused("denied");
    } catch (error) {
      return { ...refused("handler_failed"), thrown: error };
    }
    return this.#transact(message, invocation, input.value);
  }

  /** Answers a query; changes nothing. */
  query(invocation: Invocation): QueryExecution {
    const query = this.type.queries.get(invocation.name);
    if (query === undefined) return refused("unknown_message", { data: invocation.name });
    const input = parseInput(query.input, invocation.input);
    if (!input.ok) return refused("invalid_input", { data: issueData(input.issues) });
    try {
      if (query.can !== undefined && !this.#allows(query, invocation, input.value)) return refused("denied");
      return this.read((state) => {
        const result = query.run(this.#readContext(invocation, state), input.value);
        return { kind: "answered" as const, resultJson: resultText(result) };
      });
    } catch (error) {
      return refusalOf(error);
    }
  }

  #allows(rule: ResolvedMessage | ResolvedQuery, invocation: Invocation, input: unknown): boolean {
    return this.read((state) => rule.can?.(this.#readContext(invocation, state), input) === true);
  }

  #readContext(invocation: Invocation, state: object): object {
    return { caller: invocation.caller, key: this.key, now: invocation.now, seq: this.#seq, state };
  }

  #transact(message: ResolvedMessage, invocation: Invocation, input: unknown): Execution {
    const recording = record<object>(this.#root, {
      guard: this.type.state,
      depthMax: LIMITS.depthMax,
      bytesMax: LIMITS.patchBytesMax,
    });
    try {
      const context = this.#context(invocation, recording);
      const resultJson = resultText(message.run(context, input));
      if (resultJson !== undefined && resultJson.length > LIMITS.resultBytesMax) {
        recording.rollback();
        return tooLarge("resultBytesMax", resultJson.length);
      }
      const { operations } = recording.finish();
      const operationsJson = operations.length === 0 ? "[]" : JSON.stringify(operations);
      this.#seq += 1;
      return { kind: "applied", operations, operationsJson, eventsJson: context.eventsJson(), resultJson };
    } catch (error) {
      recording.rollback();
      return refusalOf(error);
    }
  }

  #context(invocation: Invocation, recording: Recording<object>): TransactionContext {
    return new TransactionContext({
      type: this.type,
      runtime: this.#runtime,
      key: this.key,
      now: invocation.now,
      seq: this.#seq + 1,
      caller: invocation.caller,
      state: recording.draft,
    });
  }
}

/** The first state of a document, made by `init`. */
export type Creation =
  | { readonly kind: "created"; readonly state: JsonObject; readonly eventsJson: string | undefined }
  | { readonly kind: "refused"; readonly answer: RefusedAnswer; readonly thrown?: unknown };

/** Runs `init`. `input` is what the creator passed; `true` and null stand for nothing. */
export function createState(
  type: ResolvedType,
  parts: { key: string; runtime: Runtime; now: number; seq: number; caller: Principal; input: Json },
): Creation {
  const bare = parts.input === true ? null : parts.input;
  const input = type.create === undefined ? parseInput(undefined, bare) : type.create.parse(parts.input);
  if (!input.ok) return refused("invalid_input", { data: issueData(input.issues) });
  try {
    const context = new TransactionContext({ ...parts, type, state: undefined });
    const made = type.init(context, input.value);
    refusePromise(made);
    const state = detachedState(made);
    type.state.checkWhole(state);
    return { kind: "created", state, eventsJson: context.eventsJson() };
  } catch (error) {
    return refusalOf(error);
  }
}

function detachedState(value: unknown): JsonObject {
  const state = detachedJson(value, "");
  if (isObject(state)) return state;
  throw new InvalidStateError("", "the state must be an object");
}

const isObject = (value: Json): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

function parseInput(schema: CompiledInput | undefined, input: Json): ReturnType<CompiledInput["parse"]> {
  if (schema !== undefined) return schema.parse(input);
  if (input === null) return { ok: true, value: undefined };
  return { ok: false, issues: [{ path: "", expected: "no input", received: typeof input }] };
}

function resultText(result: unknown): string | undefined {
  if (result === undefined) return undefined;
  if (typeof result === "string" || typeof result === "boolean" || Number.isFinite(result)) return JSON.stringify(result);
  refusePromise(result);
  return JSON.stringify(detachedJson(result, "/result"));
}

const issueData = (issues: readonly InputIssue[]): Json =>
  issues.map(({ path, expected, received }) => ({ path, expected, received }));

class PromiseReturned extends Error {}

function refusePromise(result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result) || typeof result.then !== "function") return;
  // Its outcome concerns nobody; without a listener a rejection would end the process (R19).
  if (result instanceof Promise) result.catch(() => undefined);
  throw new PromiseReturned("a handler must not return a promise: do I/O after the commit");
}

const tooLarge = (limit: keyof typeof LIMITS, yours: number): { kind: "refused"; answer: RefusedAnswer } =>
  refused("too_large", { data: { limit, value: LIMITS[limit], yours } });

function refusalOf(error: unknown): { kind: "refused"; answer: RefusedAnswer; thrown?: unknown } {
  if (error instanceof RejectSignal) {
    return refused("rejected", {
      ...(error.message === "" ? {} : { message: error.message }),
      reason: error.reason,
      ...(error.data === undefined ? {} : { data: error.data }),
    });
  }
  if (error instanceof InvalidStateError) return { ...refused("invalid_state", { data: { path: error.path } }), thrown: error };
  return { ...refused("handler_failed"), thrown: error };
}
