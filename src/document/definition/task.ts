// Timers and tasks as an author will write them. The types stand now so that definitions keep their shape; `documentType`
// refuses the properties until they run.
import type { Json } from "@tidemark/protocol";
import type { Schema } from "./schema.js";

/** A task's two schemas; the work is in `onTask`. */
export interface TaskDefinition<In, Out> {
  readonly input: Schema<In>;
  readonly output: Schema<Out>;
}

/** Any task at all. */
export type AnyTask = TaskDefinition<unknown, unknown>;
/** What a task is given. */
export type TaskInput<T> = T extends TaskDefinition<infer In, unknown> ? In : never;
/** What a task gives back. */
export type TaskOutput<T> = T extends TaskDefinition<unknown, infer Out> ? Out : never;

/** What `run` gets beside its input. */
export interface TaskIo {
  /** The same in every attempt: hand it to the outside as idempotency key. */
  readonly id: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts at the attempt's time limit and at shutdown. */
  readonly signal: AbortSignal;
}

/** Why a task was given up. */
export interface TaskFailure {
  readonly code: "failed" | "timed_out" | "invalid_output";
  readonly message: string;
  readonly attempts: number;
}

/** A task's work. `done` or `failed` is a transaction of its own, applied exactly once. */
export interface TaskHandler<In, Out, Ctx> {
  readonly run: (input: In, io: TaskIo) => Out | Promise<Out>;
  readonly done?: (ctx: Ctx, output: Out, input: In) => void;
  readonly failed?: (ctx: Ctx, failure: TaskFailure, input: In) => void;
  /** Default 5. */
  readonly attemptsMax?: number;
  /** Per attempt; default 30,000. */
  readonly timeoutMs?: number;
}

/** A stored document in front of a migration step. `timers` and `tasks` are the pending ones. */
export interface StoredDocument {
  readonly key: string;
  state: { [name: string]: Json };
  timers: readonly { readonly id: string; readonly name: string; readonly data: Json; readonly dueAt: number }[];
  tasks: readonly { readonly id: string; readonly name: string; readonly input: Json }[];
}
