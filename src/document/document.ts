// One document as a pure state machine: state and a message in, a transaction out. It knows no clock, no store, no
// socket and no other document; time and chance come in with the runtime it is handed.
import { type Json, type JsonObject, LIMITS, type PatchOperation, type Principal } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { ResolvedMessage, ResolvedQuery, ResolvedType } from "./definition/resolved-type.js";
import type { RefusedAnswer } from "./documents.js";
import { topPointerOf } from "./parts.js";
import { InvalidStateError } from "./recorder/invalid-state.js";
import { readOnly } from "./recorder/read-only.js";
import { type Recording, type RecordOptions, record } from "./recorder/recorder.js";
import {
  invalidInput,
  isYes,
  parseInput,
  type Refused,
  refusalOf,
  refused,
  refusePromise,
  requireWithin,
  TooLargeError,
} from "./refusal.js";
import { detachedJson, TransactionContext } from "./transaction-context.js";
import { frozenTree } from "./views/frozen-tree.js";
import type { HiddenParts } from "./views/hidden.js";

/** What a message did: all of it, or nothing but a refusal. */
export type Execution = Applied | Refused;

/** What a query found. */
export type QueryExecution = { readonly kind: "answered"; readonly resultJson: string | undefined } | Refused;

/** One request to the pure document. */
export interface Invocation {
  readonly name: string;
  readonly input: Json;
  readonly caller: Principal;
  readonly now: number;
  /** Asked once the caller is known to have access: what else speaks against it. */
  readonly permitted?: (() => RefusedAnswer | undefined) | undefined;
}

/** Whose transaction it is. */
interface Performer {
  readonly now: number;
  /** Undefined: nobody called. */
  readonly caller: Principal | undefined;
}

/** What a document begins with. Its JSON text takes at most `measuredBytes` and `grownBytes` together. */
export interface DocumentParts {
  readonly type: ResolvedType;
  readonly key: string;
  readonly runtime: Runtime;
  readonly state: JsonObject;
  readonly seq: number;
  readonly measuredBytes: number;
  readonly grownBytes: number;
}

/** All of what a message did, as text. */
export class Applied {
  readonly kind = "applied";
  readonly operationsJson: string;
  readonly eventsJson: string | undefined;
  readonly resultJson: string | undefined;

  constructor(operationsJson: string, eventsJson: string | undefined, resultJson: string | undefined) {
    this.operationsJson = operationsJson;
    this.eventsJson = eventsJson;
    this.resultJson = resultJson;
  }

  /** Read from the text each time: few ask. */
  get operations(): readonly PatchOperation[] {
    return JSON.parse(this.operationsJson);
  }
}

/** The live state of a document and the code that may change it. */
export class Document {
  readonly type: ResolvedType;
  readonly key: string;
  readonly #runtime: Runtime;
  readonly #root: JsonObject;
  readonly #recording: RecordOptions;
  #seq: number;
  /** What the state took when it was last measured, and the most it has grown since: what operations added is added,
   * what they removed is only seen by measuring. */
  #measuredBytes: number;
  #grownBytes: number;
  /** The same of what is not hidden; at first as if more had been written than there is. */
  #shownBytes = 0;
  #shownGrownBytes = 1;

  constructor(parts: DocumentParts) {
    this.type = parts.type;
    this.key = parts.key;
    this.#runtime = parts.runtime;
    this.#root = parts.state;
    this.#recording = recordingOf(parts.type);
    this.#seq = parts.seq;
    this.#measuredBytes = parts.measuredBytes;
    this.#grownBytes = parts.grownBytes;
  }

  /** Seq of the last transaction in memory; the disk may be behind. */
  get seq(): number {
    return this.#seq;
  }

  /** The whole state as JSON text. */
  stateJson(): string {
    const text = JSON.stringify(this.#root);
    this.#measuredBytes = Buffer.byteLength(text);
    this.#grownBytes = 0;
    return text;
  }

  /** The state as a tree that never changes. */
  frozenCopy(): JsonObject {
    return frozenTree(this.#root);
  }

  /** The state without its hidden parts as JSON text. */
  shownJson(hidden: HiddenParts): string {
    const text = JSON.stringify(hidden.stateOf(this.#root));
    this.#shownBytes = Buffer.byteLength(text);
    this.#shownGrownBytes = 0;
    return text;
  }

  /** About what the state takes as JSON text, at most twice as much. Measuring is paid for by what was written since. */
  stateBytesAbout(): number {
    if (this.#grownBytes > this.#measuredBytes) this.stateJson();
    return this.#measuredBytes + this.#grownBytes;
  }

  /** The same for the state without its hidden parts. */
  shownBytesAbout(hidden: HiddenParts): number {
    if (this.#shownGrownBytes > this.#shownBytes) this.shownJson(hidden);
    return this.#shownBytes + this.#shownGrownBytes;
  }

  /** Runs `ask` on a read-only state that is dead afterwards. */
  read<Result>(ask: (state: object) => Result): Result {
    const look = readOnly<object>(this.#root);
    try {
      return ask(look.view);
    } finally {
      look.revoke();
    }
  }

  /** Executes a message; on anything but `applied` the state and the seq are as they were. */
  execute(invocation: Invocation): Execution {
    const message = this.type.messages.get(invocation.name);
    if (message === undefined) return refused("unknown_message", { data: invocation.name });
    try {
      const { permitted } = invocation;
      // A `can` of its own needs the input; without one, access was checked before.
      const early = message.can === undefined ? permitted?.() : undefined;
      if (early !== undefined) return { kind: "refused", answer: early };
      const input = parseInput(message.input, invocation.input);
      if (!input.ok) return invalidInput(input.issues);
      if (message.can !== undefined) {
        const denial = this.#denial(message, invocation, input.value);
        if (denial !== undefined) return denial;
        const late = permitted?.();
        if (late !== undefined) return { kind: "refused", answer: late };
      }
      return this.#transact(message, invocation, input.value);
    } catch (error) {
      return this.#refusalOf(error);
    }
  }

  /** Runs what nobody called; on anything but `applied` the state and the seq are as they were. What it returns is lost. */
  perform(run: (ctx: unknown) => unknown, now: number): Execution {
    const withoutResult = (ctx: unknown): void => refusePromise(run(ctx));
    try {
      return this.#transact({ run: withoutResult }, { now, caller: undefined }, undefined);
    } catch (error) {
      return this.#refusalOf(error);
    }
  }

  /** Answers a query; changes nothing. */
  query(invocation: Invocation): QueryExecution {
    const query = this.type.queries.get(invocation.name);
    if (query === undefined) return refused("unknown_message", { data: invocation.name });
    try {
      const input = parseInput(query.input, invocation.input);
      if (!input.ok) return invalidInput(input.issues);
      const denial = query.can === undefined ? undefined : this.#denial(query, invocation, input.value);
      if (denial !== undefined) return denial;
      return this.read((state) => {
        const result = query.run(this.#readContext(invocation, state), input.value);
        return { kind: "answered" as const, resultJson: resultText(result) };
      });
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** A rule that throws says no in the same words: what made it throw may be somebody's secret (R18). */
  #denial({ can }: ResolvedMessage | ResolvedQuery, invocation: Invocation, input: unknown): Refused | undefined {
    try {
      const allowed = this.read((state) => isYes(can?.(this.#readContext(invocation, state), input)));
      return allowed ? undefined : refused("denied");
    } catch (error) {
      return { thrown: error, ...refused("denied") };
    }
  }

  #readContext(invocation: Invocation, state: object): object {
    return { caller: invocation.caller, key: this.key, now: invocation.now, seq: this.#seq, state };
  }

  /** Where not all of the state is everybody's, the path of what was refused ends at its top-level part: below may be
   * names that the caller must not learn (R18). */
  #refusalOf(error: unknown): Refused {
    const refusal = refusalOf(error);
    if ((this.type.hidden ?? this.type.views) === undefined || !(error instanceof InvalidStateError)) return refusal;
    const { code } = refusal.answer;
    return { kind: "refused", answer: { code, data: { path: topPointerOf(error.path) } }, thrown: error };
  }

  #transact(message: Pick<ResolvedMessage, "run">, by: Performer, input: unknown): Execution {
    const recording = record<object>(this.#root, this.#recording);
    try {
      const context = this.#context(by, recording);
      const resultJson = resultText(message.run(context, input));
      if (resultJson !== undefined) requireWithin("resultBytesMax", resultJson);
      const { json } = recording.finish();
      const eventsJson = context.eventsJson();
      this.#grow(requireWithin("patchBytesMax", json));
      this.#seq += 1;
      return new Applied(json, eventsJson, resultJson);
    } catch (error) {
      recording.rollback();
      throw error;
    }
  }

  /**
   * Counts operations of so many bytes; throws when the state takes too much with them. Operations hold all that they
   * add, with its key, so their bytes bound the growth; only past the limit is the state itself measured, and the next
   * time is as far away as there is room left.
   */
  #grow(operationsBytes: number): void {
    this.#grownBytes += operationsBytes;
    this.#shownGrownBytes += operationsBytes;
    if (this.#measuredBytes + this.#grownBytes <= LIMITS.stateBytesMax) return;
    this.stateJson();
    if (this.#measuredBytes > LIMITS.stateBytesMax) throw new TooLargeError("stateBytesMax", this.#measuredBytes);
  }

  #context({ now, caller }: Performer, recording: Recording<object>): TransactionContext {
    return new TransactionContext({
      type: this.type,
      runtime: this.#runtime,
      key: this.key,
      now,
      seq: this.#seq + 1,
      caller,
      state: recording.draft,
    });
  }
}

/** Shared by the documents of a type, so that it stays in the caches from one to the next. */
const RECORDING = new WeakMap<ResolvedType, RecordOptions>();

function recordingOf(type: ResolvedType): RecordOptions {
  const known = RECORDING.get(type);
  if (known !== undefined) return known;
  const options = { guard: type.state, depthMax: LIMITS.depthMax, bytesMax: LIMITS.patchBytesMax };
  RECORDING.set(type, options);
  return options;
}

function resultText(result: unknown): string | undefined {
  if (result === undefined) return undefined;
  if (typeof result === "boolean" || Number.isFinite(result)) return JSON.stringify(result);
  refusePromise(result);
  return JSON.stringify(detachedJson(result, "/result"));
}
